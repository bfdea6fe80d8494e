#pragma once

#include <cstdint>
#include <optional>

#include "core/query.h"

// What is wrong with one thing, decided from what is seen of it one after another. Pure: times are
// the collector's wall clock in milliseconds, handed in.
namespace haidang::detect {

enum class Verdict : uint8_t { kNothing, kOpen, kClose };

// A machine is gone: vanished or silent for longer than the patience. Stopped and suspended
// machines are not gone: they said goodbye.
class GoneWatch {
 public:
  // `since_ms`: since when it is in `state`; `open`: a finding about it is open.
  Verdict See(query::State state, int64_t since_ms, int64_t now_ms, int64_t patience_ms, bool open);
  // Since when it has been gone; nothing while it is there.
  std::optional<int64_t> gone_since_ms() const { return gone_since_ms_; }

 private:
  std::optional<int64_t> gone_since_ms_;
};

// A probe fails: so many readings in a row. An unknown reading breaks the row, and neither opens
// nor closes.
class FailureWatch {
 public:
  Verdict See(std::optional<bool> success, int needed, bool open);
  int failures() const { return failures_; }

 private:
  int failures_ = 0;
};

// A response time is over its objective: every reading of the last N minutes is above it. Unknown
// readings do not count, but where nothing is known for longer than `gap_ms` the time begins anew.
class SlowWatch {
 public:
  struct Rule {
    double objective_seconds = 0;
    int64_t window_ms = 0;
    int64_t gap_ms = 0;
  };
  Verdict See(std::optional<double> seconds, const Rule& rule, int64_t now_ms, bool open);
  // Since when every known reading is above the objective.
  std::optional<int64_t> slow_since_ms() const { return slow_since_ms_; }

 private:
  std::optional<int64_t> slow_since_ms_;
  int64_t known_ms_ = 0;  // of the last known reading
};

}  // namespace haidang::detect
