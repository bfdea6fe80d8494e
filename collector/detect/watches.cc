#include "collector/detect/watches.h"

#include <algorithm>

namespace haidang::detect {

Verdict GoneWatch::See(query::State state, int64_t since_ms, int64_t now_ms, int64_t patience_ms,
                       bool open) {
  if (state != query::State::kVanished && state != query::State::kSilent) {
    gone_since_ms_.reset();
    return open ? Verdict::kClose : Verdict::kNothing;
  }
  // From silent to vanished it stays gone since it fell silent.
  if (!gone_since_ms_) gone_since_ms_ = since_ms;
  // After a step back of the clock the patience begins anew, but it ends.
  gone_since_ms_ = std::min(*gone_since_ms_, now_ms);
  if (open || now_ms - *gone_since_ms_ < patience_ms) return Verdict::kNothing;
  return Verdict::kOpen;
}

Verdict FailureWatch::See(std::optional<bool> success, int needed, bool open) {
  if (!success) {
    failures_ = 0;
    return Verdict::kNothing;
  }
  if (*success) {
    failures_ = 0;
    return open ? Verdict::kClose : Verdict::kNothing;
  }
  failures_ = std::min(failures_ + 1, 1000000);
  return !open && failures_ >= needed ? Verdict::kOpen : Verdict::kNothing;
}

Verdict SlowWatch::See(std::optional<double> seconds, const Rule& rule, int64_t now_ms, bool open) {
  if (!seconds) return Verdict::kNothing;
  const bool gap = now_ms - known_ms_ > rule.gap_ms || now_ms < known_ms_;
  known_ms_ = now_ms;
  if (*seconds <= rule.objective_seconds) {
    slow_since_ms_.reset();
    return open ? Verdict::kClose : Verdict::kNothing;
  }
  if (!slow_since_ms_ || gap) slow_since_ms_ = now_ms;
  return !open && now_ms - *slow_since_ms_ >= rule.window_ms ? Verdict::kOpen : Verdict::kNothing;
}

}  // namespace haidang::detect
