#pragma once

#include <cstdint>
#include <vector>

#include "collector/remote/directory.h"
#include "collector/remote/write_request.h"
#include "collector/store/block/tick_rows.h"
#include "collector/store/head.h"

namespace haidang::remote {

// What a receiver knows of a machine's series, by slot.
struct Told {
  int64_t tick_ms = 0;  // of the last tick
  int64_t last_ms = 0;  // of the last sample: a series may have ended after the tick
  int64_t spool = 0;    // of the last tick
  uint64_t number = 0;
  Standing standing;        // at the last tick
  std::vector<bool> known;  // the receiver has a value there, and no end behind it
  bool any() const;
};

// Makes samples of ticks: every value that is known at a tick, and a stale marker where one was
// known and is no more. The marker stands at the tick that makes the value unknown; where batches
// are missing before it, which may still come, one interval behind the last tick less 1 ms, where
// none of them is. So what was told needs never be taken back. One thread.
class Teller {
 public:
  // A machine whose next tick is so many intervals away was not there.
  static constexpr int64_t kGoneIntervals = 3;

  enum class What { kAll, kNumbers, kHistograms };

  // Null: what is told goes nowhere, and counts as told; so does what is not `what`.
  explicit Teller(WriteRequests* out, What what = What::kAll) : out_(out), what_(what) {}

  // `series`: by slot. Required: row.time_ms > told.last_ms.
  void Tell(const std::vector<const ToldSeries*>& series, const store::TickRow& row,
            const store::Head& head, const Standing& standing, Told& told);
  // The machine is gone.
  void End(const std::vector<const ToldSeries*>& series, Told& told);

  uint64_t samples() const { return samples_; }

 private:
  void Mark(const std::vector<const ToldSeries*>& series, int64_t time_ms, Told& told);
  void Mark(const ToldSeries& series, const Labels& labels, int64_t time_ms);
  bool TellValue(const ToldSeries& series, uint32_t slot, const store::TickRow& row,
                 const store::Head& head, const Standing& standing);

  // Nothing where it is told nowhere.
  WriteRequests* OutFor(const ToldSeries& series) const;

  WriteRequests* out_;
  What what_;
  uint64_t samples_ = 0;
};

}  // namespace haidang::remote
