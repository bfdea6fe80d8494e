#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/store/rollup/rollup.h"
#include "core/histogram.h"
#include "core/result.h"

// How roll-ups are worked out (docs/store-format.md, "Roll-ups"). Pure; the same on every machine.
namespace haidang::store {

// The beginning of the bucket, `length_ms` long and counted from 1970, in which `time_ms` lies.
constexpr int64_t BeginOf(int64_t time_ms, int64_t length_ms) {
  const int64_t over = time_ms % length_ms;
  return time_ms - (over < 0 ? over + length_ms : over);
}

// A sum that loses next to nothing to rounding: of decimals it is the decimal (Neumaier's way).
class ExactSum {
 public:
  void Add(double value);
  double value() const;

 private:
  double sum_ = 0;
  double lost_ = 0;
};

// What one number did: See is told each tick at which it is known, in order of time.
class NumberSummer {
 public:
  // What was before `from_ms` is only what the first bucket goes on from.
  NumberSummer(int64_t from_ms, bool counter) : from_ms_(from_ms), counter_(counter) {}

  void See(int64_t time_ms, double value);
  const NumberRollup& rollup() const { return rollup_; }

 private:
  void Increase(bool begun, bool joined, double value);

  int64_t from_ms_;
  bool counter_;
  NumberRollup rollup_;
  ExactSum sum_;  // of the last bucket
  std::optional<int64_t> last_ms_;
  double last_ = 0;
  // The last bucket's increase: what was gained in runs that ended, and where the present one
  // began.
  double gained_ = 0;
  double run_begin_ = 0;
  bool bridged_ = false;  // something led to one of its values
};

// What one cumulative histogram did.
class HistogramSummer {
 public:
  explicit HistogramSummer(int64_t from_ms) : from_ms_(from_ms) {}

  // `encoded` that is no histogram is unknown.
  void See(int64_t time_ms, std::string_view encoded);
  HistogramRollup Take();

 private:
  void EndBucket();

  int64_t from_ms_;
  HistogramRollup rollup_;
  Histogram gained_;  // in the last bucket
  std::optional<int64_t> last_ms_;
  std::string last_encoded_;
  Histogram last_;
};

// Buckets of five minutes as buckets of an hour.
NumberRollup ByHour(const NumberRollup& fine);
// An Error where it was read from damaged bytes.
Result<HistogramRollup> ByHour(const HistogramRollup& fine);

}  // namespace haidang::store
