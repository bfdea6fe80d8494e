#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "collector/store/query/question.h"
#include "collector/store/query/step_grid.h"
#include "collector/store/rollup/rollup.h"

namespace haidang::store {

// How a number went on at a known value: unknown (NaN) over a hole, that is, where the known value
// before it is further away than kBridgeMs or there is none.
struct Gain {
  double increase = 0;
  int64_t over_ms = 0;  // since the known value before
};

// The gains of a counter from one known value to the next: where it fell it had begun again at 0.
class Gains {
 public:
  // Required: `value` is known; times ascend.
  Gain At(int64_t time_ms, double value);

 private:
  std::optional<int64_t> time_ms_;
  double value_ = 0;
};

// One series' values, step by step, as one function has them. Stretches of batches and of roll-ups
// may come in any order; within a stretch times ascend.
class NumberSteps {
 public:
  // Required: neither kQuantile nor kBelow. `grid` must outlive it.
  NumberSteps(const StepGrid& grid, Function function);

  // Whether Add's `gain` is looked at.
  static bool NeedsGains(Function function) {
    return function == Function::kIncrease || function == Function::kRate;
  }
  // A known value at a batch. Required: the grid has the time.
  void Add(int64_t time_ms, double value, const Gain& gain);
  // Bucket `i` of a roll-up, which lies within one step. `known_ms` of it the value was known.
  void Add(const NumberRollup& rollup, size_t i, double known_ms);

  // One a step; NaN where unknown. Ends its use.
  std::vector<double> Finish();

 private:
  void Edge(size_t step, int64_t time_ms, double value);

  const StepGrid& grid_;
  Function function_;
  std::vector<double> values_;
  std::vector<double> weights_;  // kAvg: how many; kRate: seconds; kFirst, kLast: the value's time
};

// Of how many milliseconds of each bucket the value was known. A roll-up tells how often it was:
// where that is less than in some bucket within twelve before it, and in some within twelve behind
// it, it was for that share of the time. So a machine may begin to tick faster or slower.
std::vector<double> KnownMs(std::span<const double> counts, int64_t bucket_ms);

}  // namespace haidang::store
