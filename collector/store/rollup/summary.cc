#include "collector/store/rollup/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace haidang::store {
namespace {

constexpr int64_t kFineMs = BucketMs(RollupLevel::kFiveMinutes);
constexpr int64_t kHourMs = BucketMs(RollupLevel::kHour);
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Counts that would not fit are none that anybody counted: left out.
void Add(Histogram& total, const Histogram& gain) {
  if (gain.count() > std::numeric_limits<uint64_t>::max() - total.count()) return;
  total.Merge(gain);
}

}  // namespace

void ExactSum::Add(double value) {
  const double sum = sum_ + value;
  lost_ += std::fabs(sum_) >= std::fabs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
  sum_ = sum;
}

double ExactSum::value() const {
  const double exact = sum_ + lost_;
  return std::isfinite(exact) ? exact : sum_;
}

void NumberSummer::See(int64_t time_ms, double value) {
  const bool joined = last_ms_ && time_ms - *last_ms_ <= kBridgeMs;
  if (time_ms >= from_ms_) {
    NumberRollup& r = rollup_;
    const int64_t begin_ms = BeginOf(time_ms, kFineMs);
    const bool begun = r.begins_ms.empty() || r.begins_ms.back() != begin_ms;
    if (begun) {
      r.begins_ms.push_back(begin_ms);
      for (auto* column : {&r.count, &r.sum, &r.increase}) column->push_back(0);
      for (auto* column : {&r.min, &r.max, &r.first, &r.last}) column->push_back(value);
      sum_ = {};
    }
    sum_.Add(value);
    r.count.back() += 1;
    r.sum.back() = sum_.value();
    r.min.back() = std::min(r.min.back(), value);
    r.max.back() = std::max(r.max.back(), value);
    r.last.back() = value;
    Increase(begun, joined, value);
  }
  last_ms_ = time_ms;
  last_ = value;
}

// A run's gain is its end less its beginning, not a sum of small differences.
void NumberSummer::Increase(bool begun, bool joined, double value) {
  if (!counter_) {
    rollup_.increase.back() = kUnknown;
    return;
  }
  if (begun) {
    gained_ = 0;
    bridged_ = false;
    run_begin_ = joined ? last_ : value;
  } else if (!joined) {
    gained_ += last_ - run_begin_;
    run_begin_ = value;
  }
  if (joined && value < last_) {
    gained_ += last_ - run_begin_;
    run_begin_ = 0;
  }
  bridged_ = bridged_ || joined;
  rollup_.increase.back() = bridged_ ? gained_ + (value - run_begin_) : kUnknown;
}

void HistogramSummer::See(int64_t time_ms, std::string_view encoded) {
  const bool same = last_ms_ && encoded == last_encoded_;
  Histogram now;
  if (!same) {
    auto decoded = Histogram::Decode(encoded);
    if (!decoded) return;
    now = std::move(*decoded);
  }
  if (time_ms >= from_ms_ && last_ms_ && time_ms - *last_ms_ <= kBridgeMs) {
    const int64_t begin_ms = BeginOf(time_ms, kFineMs);
    if (rollup_.begins_ms.empty() || rollup_.begins_ms.back() != begin_ms) {
      EndBucket();
      rollup_.begins_ms.push_back(begin_ms);
    }
    if (!same) Add(gained_, now.Since(last_));
  }
  last_ms_ = time_ms;
  if (same) return;
  last_encoded_ = encoded;
  last_ = std::move(now);
}

void HistogramSummer::EndBucket() {
  if (!rollup_.begins_ms.empty()) rollup_.increase.Append(gained_);
  gained_ = {};
}

HistogramRollup HistogramSummer::Take() {
  EndBucket();
  return std::move(rollup_);
}

NumberRollup ByHour(const NumberRollup& fine) {
  NumberRollup hours;
  ExactSum sum, increase;
  for (size_t i = 0; i < fine.begins_ms.size(); ++i) {
    const int64_t begin_ms = BeginOf(fine.begins_ms[i], kHourMs);
    if (hours.begins_ms.empty() || hours.begins_ms.back() != begin_ms) {
      hours.begins_ms.push_back(begin_ms);
      hours.count.push_back(0);
      hours.sum.push_back(0);
      hours.min.push_back(fine.min[i]);
      hours.max.push_back(fine.max[i]);
      hours.first.push_back(fine.first[i]);
      hours.last.push_back(0);
      hours.increase.push_back(kUnknown);
      sum = increase = {};
    }
    sum.Add(fine.sum[i]);
    hours.count.back() += fine.count[i];
    hours.sum.back() = sum.value();
    hours.min.back() = std::min(hours.min.back(), fine.min[i]);
    hours.max.back() = std::max(hours.max.back(), fine.max[i]);
    hours.last.back() = fine.last[i];
    if (std::isnan(fine.increase[i])) continue;
    increase.Add(fine.increase[i]);
    hours.increase.back() = increase.value();
  }
  return hours;
}

Result<HistogramRollup> ByHour(const HistogramRollup& fine) {
  HistogramRollup hours;
  Histogram gained;
  for (size_t i = 0; i < fine.begins_ms.size(); ++i) {
    const int64_t begin_ms = BeginOf(fine.begins_ms[i], kHourMs);
    if (hours.begins_ms.empty() || hours.begins_ms.back() != begin_ms) {
      if (!hours.begins_ms.empty()) hours.increase.Append(gained);
      hours.begins_ms.push_back(begin_ms);
      gained = {};
    }
    auto gain = fine.increase.At(i);
    if (!gain) return gain.error();
    Add(gained, *gain);
  }
  if (!hours.begins_ms.empty()) hours.increase.Append(gained);
  return hours;
}

}  // namespace haidang::store
