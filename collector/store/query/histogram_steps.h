#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/question.h"
#include "collector/store/query/step_grid.h"
#include "collector/store/rollup/rollup.h"
#include "core/histogram.h"

namespace haidang::store {

// What cumulative histograms gained, step by step, of one series or of many together: a column of
// counts for each bucket. Steps without anything known stay unknown.
class HistogramSteps {
 public:
  // Both must outlive it. Takes its cells from `budget` as it needs them, and gives them back at
  // its end; where there are none left, what is added is lost, and the budget refuses the question.
  HistogramSteps(const StepGrid& grid, Budget& budget);
  ~HistogramSteps();
  HistogramSteps(const HistogramSteps&) = delete;
  HistogramSteps& operator=(const HistogramSteps&) = delete;

  // From one known histogram to the next, `time_ms` being the later one's; null: it began again.
  void Add(int64_t time_ms, const Histogram* before, const Histogram& after);
  // The known histogram at this time is the one before: nothing was gained.
  void Stay(int64_t time_ms);
  // Those buckets of a roll-up that begin in [from_ms, to_ms) and in the grid.
  void Add(const HistogramRollup& rollup, int64_t from_ms, int64_t to_ms);

  // One a step, NaN where unknown, or where nothing was observed (kAvg, kQuantile).
  // Required: kIncrease (observations), kAvg (mean of what was observed), kQuantile or kBelow; `q`
  // as RangeQuestion has it.
  std::vector<double> Values(Function function, double q) const;

 private:
  static constexpr size_t kBuckets =
      static_cast<size_t>(Histogram::kMaxIndex - Histogram::kMinIndex + 1);

  // Null where there is no room for it.
  std::vector<uint64_t>* Bucket(int index);
  std::vector<double> Quantiles(double q) const;

  const StepGrid& grid_;
  Budget& budget_;
  size_t cells_ = 0;                                     // that were taken
  std::vector<uint8_t> known_;                           // by step
  std::vector<uint64_t> zeros_;                          // by step
  std::vector<double> sums_;                             // by step
  std::array<std::vector<uint64_t>, kBuckets> buckets_;  // by step; empty where nothing was
};

// One series' known histograms in order of time, from batches.
class HistogramGains {
 public:
  // The known histogram at a batch; where it follows one no further away than kBridgeMs, what it
  // gained goes to `into` (where not null).
  void At(int64_t time_ms, std::string_view encoded, HistogramSteps* into);
  // What was given is no longer where it was: the same place may hold something else.
  void Forget() { valid_ = false; }

 private:
  std::optional<int64_t> time_ms_;
  std::string_view bytes_;  // of last_
  bool valid_ = false;      // bytes_ still stand where they stood
  Histogram last_;
};

}  // namespace haidang::store
