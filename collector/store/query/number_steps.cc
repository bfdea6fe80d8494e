#include "collector/store/query/number_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace haidang::store {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kNeighbours = 12;

bool IsMean(Function function) { return function == Function::kAvg || function == Function::kRate; }
bool IsEdge(Function function) {
  return function == Function::kFirst || function == Function::kLast;
}

// Of the other side where this one is empty.
double MostOf(std::span<const double> side, std::span<const double> other) {
  if (side.empty()) side = other;
  return side.empty() ? 0 : *std::max_element(side.begin(), side.end());
}

void Sum(double& total, double more) { total = std::isnan(total) ? more : total + more; }

}  // namespace

Gain Gains::At(int64_t time_ms, double value) {
  Gain gain{kUnknown, 0};
  if (time_ms_ && time_ms - *time_ms_ <= kBridgeMs) {
    gain.increase = value >= value_ ? value - value_ : value;
    gain.over_ms = time_ms - *time_ms_;
  }
  time_ms_ = time_ms;
  value_ = value;
  return gain;
}

NumberSteps::NumberSteps(const StepGrid& grid, Function function)
    : grid_(grid),
      function_(function),
      values_(grid.count(), kUnknown),
      weights_(IsMean(function) || IsEdge(function) ? grid.count() : 0) {}

// The first or the last value of each step stays, in whichever order they come.
void NumberSteps::Edge(size_t step, int64_t time_ms, double value) {
  const auto time = static_cast<double>(time_ms);
  const bool last = function_ == Function::kLast;
  if (!std::isnan(values_[step]) && (last ? time < weights_[step] : time >= weights_[step])) return;
  values_[step] = value;
  weights_[step] = time;
}

void NumberSteps::Add(int64_t time_ms, double value, const Gain& gain) {
  const size_t step = grid_.StepOf(time_ms);
  double& out = values_[step];
  switch (function_) {
    case Function::kLast:
    case Function::kFirst:
      Edge(step, time_ms, value);
      break;
    case Function::kMin:
      out = std::fmin(out, value);
      break;
    case Function::kMax:
      out = std::fmax(out, value);
      break;
    case Function::kAvg:
      weights_[step] += 1;
      [[fallthrough]];
    case Function::kSum:
      Sum(out, value);
      break;
    case Function::kCount:
      Sum(out, 1);
      break;
    case Function::kIncrease:
    case Function::kRate:
      if (std::isnan(gain.increase)) break;
      Sum(out, gain.increase);
      if (function_ == Function::kRate) weights_[step] += static_cast<double>(gain.over_ms) / 1000;
      break;
    case Function::kQuantile:
    case Function::kBelow:
      break;
  }
}

void NumberSteps::Add(const NumberRollup& rollup, size_t i, double known_ms) {
  const size_t step = grid_.StepOf(rollup.begins_ms[i]);
  double& out = values_[step];
  switch (function_) {
    case Function::kLast:
      Edge(step, rollup.begins_ms[i], rollup.last[i]);
      break;
    case Function::kFirst:
      Edge(step, rollup.begins_ms[i], rollup.first[i]);
      break;
    case Function::kMin:
      out = std::fmin(out, rollup.min[i]);
      break;
    case Function::kMax:
      out = std::fmax(out, rollup.max[i]);
      break;
    case Function::kAvg:
      weights_[step] += rollup.count[i];
      [[fallthrough]];
    case Function::kSum:
      Sum(out, rollup.sum[i]);
      break;
    case Function::kCount:
      Sum(out, rollup.count[i]);
      break;
    case Function::kIncrease:
    case Function::kRate:
      if (std::isnan(rollup.increase[i])) break;
      Sum(out, rollup.increase[i]);
      if (function_ == Function::kRate) weights_[step] += known_ms / 1000;
      break;
    case Function::kQuantile:
    case Function::kBelow:
      break;
  }
}

std::vector<double> NumberSteps::Finish() {
  for (size_t i = 0; IsMean(function_) && i < weights_.size(); ++i) {
    values_[i] = weights_[i] > 0 ? values_[i] / weights_[i] : kUnknown;
  }
  return std::move(values_);
}

std::vector<double> KnownMs(std::span<const double> counts, int64_t bucket_ms) {
  std::vector<double> known(counts.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto before =
        counts.subspan(i > kNeighbours ? i - kNeighbours : 0, std::min(i, kNeighbours));
    const auto after = counts.subspan(i + 1, std::min(counts.size() - i - 1, kNeighbours));
    const double most = std::max(counts[i], std::min(MostOf(before, after), MostOf(after, before)));
    known[i] = most > 0 ? static_cast<double>(bucket_ms) * counts[i] / most : 0;
  }
  return known;
}

}  // namespace haidang::store
