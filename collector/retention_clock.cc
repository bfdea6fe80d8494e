#include "collector/retention_clock.h"

#include <cstdlib>

#include "core/log.h"

namespace haidang::collector {

RetentionClock::RetentionClock(const Clock& clock, std::optional<int64_t> newest_ms)
    : clock_(clock), believed_ms_(newest_ms), believed_mono_ms_(MonotonicMs()) {}

int64_t RetentionClock::NowMs() {
  const int64_t wall_ms = clock_.WallMs(), mono_ms = MonotonicMs();
  const int64_t expected_ms =
      believed_ms_ ? *believed_ms_ + (mono_ms - believed_mono_ms_) : wall_ms;
  const int64_t ahead_ms = wall_ms - expected_ms;
  if (std::llabs(ahead_ms) >= kFarMs) {
    if (!doubted_mono_ms_) {
      doubted_mono_ms_ = mono_ms;
      spdlog::warn(
          "the clock is {} hours {} what was stored last and the time since then; for a day "
          "nothing "
          "is deleted by it. See whether it is right (timedatectl)",
          std::llabs(ahead_ms) / 3'600'000, ahead_ms > 0 ? "ahead of" : "behind");
    }
    if (mono_ms - *doubted_mono_ms_ < kDoubtMs) return expected_ms;
  }
  doubted_mono_ms_.reset();
  believed_ms_ = wall_ms;
  believed_mono_ms_ = mono_ms;
  return wall_ms;
}

}  // namespace haidang::collector
