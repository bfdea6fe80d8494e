#include "collector/store/query/histogram_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace haidang::store {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Something in it fell: it was begun again.
bool BeganAgain(const Histogram& before, const Histogram& after) {
  if (after.zero_count() < before.zero_count()) return true;
  auto at = after.buckets().begin();
  for (const auto& [index, count] : before.buckets()) {
    while (at != after.buckets().end() && at->first < index) ++at;
    if (at == after.buckets().end() || at->first != index || at->second < count) return true;
  }
  return false;
}

}  // namespace

HistogramSteps::HistogramSteps(const StepGrid& grid, Budget& budget)
    : grid_(grid), budget_(budget) {
  const size_t cells = 3 * grid.count();
  if (!budget_.TakeCells(cells)) return;
  cells_ = cells;
  known_.resize(grid.count());
  zeros_.resize(grid.count());
  sums_.resize(grid.count());
}

HistogramSteps::~HistogramSteps() { budget_.GiveCells(cells_); }

std::vector<uint64_t>* HistogramSteps::Bucket(int index) {
  auto& bucket = buckets_[static_cast<size_t>(index - Histogram::kMinIndex)];
  if (bucket.empty()) {
    if (!budget_.TakeCells(grid_.count())) return nullptr;
    cells_ += grid_.count();
    bucket.resize(grid_.count());
  }
  return &bucket;
}

void HistogramSteps::Stay(int64_t time_ms) {
  if (!known_.empty()) known_[grid_.StepOf(time_ms)] = 1;
}

void HistogramSteps::Add(int64_t time_ms, const Histogram* before, const Histogram& after) {
  if (known_.empty()) return;
  const size_t step = grid_.StepOf(time_ms);
  known_[step] = 1;
  zeros_[step] += after.zero_count() - (before == nullptr ? 0 : before->zero_count());
  sums_[step] += after.sum() - (before == nullptr ? 0 : before->sum());
  for (const auto& [index, count] : after.buckets()) {
    uint64_t had = 0;
    if (before != nullptr) {
      const auto it = before->buckets().find(index);
      if (it != before->buckets().end()) had = it->second;
    }
    if (count == had) continue;
    if (auto* bucket = Bucket(index)) (*bucket)[step] += count - had;
  }
}

void HistogramSteps::Add(const HistogramRollup& rollup, int64_t from_ms, int64_t to_ms) {
  if (known_.empty()) return;
  from_ms = std::max(from_ms, grid_.begin_ms());
  to_ms = std::min(to_ms, grid_.end_ms());
  const auto& begins = rollup.begins_ms;
  const auto row = [&](int64_t time_ms) {
    return static_cast<size_t>(std::lower_bound(begins.begin(), begins.end(), time_ms) -
                               begins.begin());
  };
  const size_t first = row(from_ms), last = row(to_ms);
  std::vector<size_t> steps;
  for (size_t i = first; i < last; ++i) steps.push_back(grid_.StepOf(begins[i]));
  const auto add = [&](const auto& from, auto& to) {
    for (size_t i = first; i < last; ++i) to[steps[i - first]] += from[i];
  };
  for (const size_t step : steps) known_[step] = 1;
  add(rollup.increase.zero_counts(), zeros_);
  add(rollup.increase.sums(), sums_);
  for (const HistogramColumn::Bucket& from : rollup.increase.buckets()) {
    auto* to = Bucket(from.index);
    if (to == nullptr) return;
    add(from.counts, *to);
  }
}

std::vector<double> HistogramSteps::Values(Function function, double q) const {
  if (function == Function::kQuantile) return Quantiles(q);
  std::vector<double> counts(zeros_.begin(), zeros_.end());
  for (size_t at = 0; at < kBuckets; ++at) {
    const int index = static_cast<int>(at) + Histogram::kMinIndex;
    const double share = function == Function::kBelow ? Histogram::ShareBelow(index, q) : 1;
    if (!(share > 0)) continue;
    const auto& bucket = buckets_[at];
    for (size_t i = 0; i < bucket.size(); ++i) counts[i] += share * static_cast<double>(bucket[i]);
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    if (known_[i] == 0) {
      counts[i] = kUnknown;
    } else if (function == Function::kAvg) {
      counts[i] = counts[i] > 0 ? sums_[i] / counts[i] : kUnknown;
    }
  }
  return counts;
}

// As Histogram::Quantile has it, for all steps at once.
std::vector<double> HistogramSteps::Quantiles(double q) const {
  std::vector<double> counts = Values(Function::kIncrease, 0);
  std::vector<double> ranks(counts.size()), below(zeros_.begin(), zeros_.end());
  std::vector<double> values(counts.size(), kUnknown);
  std::vector<uint8_t> found(counts.size(), 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    ranks[i] = std::clamp(q, 0.0, 1.0) * counts[i];
    if (!(counts[i] > 0)) {
      found[i] = 1;
    } else if (counts[i] == below[i] || (below[i] > 0 && ranks[i] <= below[i])) {
      found[i] = 1;
      values[i] = 0;
    }
  }
  for (size_t at = 0; at < kBuckets; ++at) {
    const auto& bucket = buckets_[at];
    const int index = static_cast<int>(at) + Histogram::kMinIndex;
    for (size_t i = 0; i < bucket.size(); ++i) {
      if (found[i] != 0 || bucket[i] == 0) continue;
      const auto within = static_cast<double>(bucket[i]);
      // Above 1 where rounding leaves the rank above all.
      const double share = (ranks[i] - below[i]) / within;
      values[i] = Histogram::Within(index, std::min(share, 1.0));
      found[i] = share <= 1;
      below[i] += within;
    }
  }
  return values;
}

void HistogramGains::At(int64_t time_ms, std::string_view encoded, HistogramSteps* into) {
  const bool bridged = time_ms_ && time_ms - *time_ms_ <= kBridgeMs;
  const bool same = valid_ && encoded.data() == bytes_.data() && encoded.size() == bytes_.size();
  if (same) {
    time_ms_ = time_ms;
    if (bridged && into != nullptr) into->Stay(time_ms);
    return;
  }
  auto now = Histogram::Decode(encoded);
  if (!now) return;
  if (bridged && into != nullptr)
    into->Add(time_ms, BeganAgain(last_, *now) ? nullptr : &last_, *now);
  last_ = std::move(*now);
  bytes_ = encoded;
  valid_ = true;
  time_ms_ = time_ms;
}

}  // namespace haidang::store
