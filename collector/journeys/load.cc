#include "collector/journeys/load.h"

#include <algorithm>
#include <cmath>

namespace haidang::journeys {
namespace {

constexpr double kMostOfMedian = 4;
constexpr double kLongest = 86400;  // seconds
constexpr double kFine = 20;        // seconds, up to which intervals are told by the second
constexpr double kFall = 0.8;
constexpr int64_t kStandsMs = 60'000;

double RoundUp(double seconds) {
  if (!(seconds > 0)) return 0;
  const double step = std::max(1.0, std::pow(10, std::floor(std::log10(seconds / kFine))));
  return std::min(kLongest, std::ceil(seconds / step) * step);
}

}  // namespace

double Increase::Take(std::span<const Counter> counters) {
  double sum = 0;
  bool same = last_.size() == counters.size();
  for (size_t i = 0; same && i < counters.size(); ++i) same = last_[i].first == counters[i].key;
  if (!same) {
    std::vector<std::pair<uint32_t, std::optional<double>>> next;
    next.reserve(counters.size());
    for (const Counter& counter : counters) {
      const auto was = std::find_if(last_.begin(), last_.end(),
                                    [&](const auto& last) { return last.first == counter.key; });
      next.emplace_back(counter.key, was == last_.end() ? std::nullopt : was->second);
    }
    last_ = std::move(next);
  }
  for (size_t i = 0; i < counters.size(); ++i) {
    const auto& value = counters[i].value;
    if (!value || !std::isfinite(*value) || *value < 0) continue;
    auto& last = last_[i].second;
    if (last) sum += *value >= *last ? *value - *last : *value;
    last = *value;
  }
  return sum;
}

void RequestRate::MoveTo(int64_t now_ms) {
  const int64_t step = now_ms / kStepMs;
  if (step_ < 0 || step - step_ >= static_cast<int64_t>(kSteps)) {
    steps_.fill(0);
    step_ = step;
  }
  while (step_ < step) steps_[static_cast<size_t>(++step_) % kSteps] = 0;
}

void RequestRate::Add(double requests, int64_t gap_ms, int64_t now_ms) {
  MoveTo(now_ms);
  if (gap_ms > kWindowMs) {
    requests *= static_cast<double>(kWindowMs) / static_cast<double>(gap_ms);
  }
  steps_[static_cast<size_t>(step_) % kSteps] += requests;
}

double RequestRate::Now(int64_t since_ms, int64_t now_ms) const {
  const int64_t oldest = now_ms / kStepMs - static_cast<int64_t>(kSteps);
  double sum = 0;
  for (int64_t step = step_;
       step > oldest && step > step_ - static_cast<int64_t>(kSteps) && step >= 0; --step) {
    sum += steps_[static_cast<size_t>(step) % kSteps];
  }
  const int64_t counted_ms = std::clamp(now_ms - since_ms, kStepMs, kWindowMs);
  return sum * 1000 / static_cast<double>(counted_ms);
}

double NeededInterval(std::vector<Walker> walkers, double bound) {
  if (walkers.empty()) return 0;
  const auto middle = walkers.begin() + static_cast<int64_t>(walkers.size() / 2);
  std::nth_element(walkers.begin(), middle, walkers.end(),
                   [](const Walker& a, const Walker& b) { return a.requests < b.requests; });
  const double most = middle->requests * kMostOfMedian;
  double rest = 0;  // requests a second of those that are slower by themselves
  for (Walker& walker : walkers) {
    walker.requests = std::min(walker.requests, most);
    walker.interval_seconds = std::max(walker.interval_seconds, 0.001);
    rest += walker.requests / walker.interval_seconds;
  }
  if (rest <= bound) return 0;
  std::sort(walkers.begin(), walkers.end(), [](const Walker& a, const Walker& b) {
    return a.interval_seconds < b.interval_seconds;
  });
  double waiting = 0;  // requests of those that have to wait, each once
  for (size_t i = 0; i < walkers.size(); ++i) {
    waiting += walkers[i].requests;
    rest -= walkers[i].requests / walkers[i].interval_seconds;
    if (i + 1 == walkers.size()) rest = 0;
    if (rest >= bound) continue;
    const double interval = waiting / (bound - rest);
    if (i + 1 == walkers.size() || interval <= walkers[i + 1].interval_seconds) return interval;
  }
  return kLongest;
}

bool Floor::Update(double needed, int64_t now_ms) {
  const double wanted = RoundUp(needed);
  const bool rises = wanted > seconds_;
  const bool falls =
      needed <= kFall * seconds_ && wanted < seconds_ && now_ms - since_ms_ >= kStandsMs;
  if (!rises && !falls) return false;
  seconds_ = wanted;
  since_ms_ = now_ms;
  return true;
}

}  // namespace haidang::journeys
