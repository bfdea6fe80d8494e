#pragma once

#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace haidang::collector {

// The time by which data is deleted for its age. A wall clock that is a day or more off what it
// should be is not believed for a day: a server without a battery wakes up years ago, a wrong time
// server tells years ahead, and what goes by such a time is gone when it is right again. Until then
// time passes here as it did before. One thread.
class RetentionClock {
 public:
  static constexpr int64_t kFarMs = int64_t{24} * 3600 * 1000;
  static constexpr int64_t kDoubtMs = int64_t{24} * 3600 * 1000;  // of time that passes

  // `newest_ms`: when the newest of what is stored was received; nothing: any time is believed.
  // `clock` must outlive it.
  RetentionClock(const Clock& clock, std::optional<int64_t> newest_ms);

  // The wall clock, or what it should be. Logs once that it is doubted.
  int64_t NowMs();

 private:
  int64_t MonotonicMs() const { return clock_.MonotonicNs() / 1'000'000; }

  const Clock& clock_;
  std::optional<int64_t> believed_ms_;      // a wall time
  int64_t believed_mono_ms_;                // when that was
  std::optional<int64_t> doubted_mono_ms_;  // since when
};

}  // namespace haidang::collector
