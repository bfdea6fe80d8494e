#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace haidang {

// Called once by `main`, before any thread starts. `level`: "debug", "info", "warning", "error".
// Lines on stderr carry a syslog priority prefix when run under systemd (JOURNAL_STREAM set).
void SetUpLog(std::string_view program, std::string_view level);

// "Say so once, not each second": Ready() is true at most once an interval; suppressed() tells how
// many were held back before it. One thread.
class LogLimit {
 public:
  explicit LogLimit(const Clock& clock, int64_t interval_ms = 60000)
      : clock_(clock), interval_ms_(interval_ms) {}

  bool Ready();
  uint64_t suppressed() const { return suppressed_; }

 private:
  const Clock& clock_;
  int64_t interval_ms_;
  bool started_ = false;
  int64_t next_ns_ = 0;
  uint64_t held_back_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace haidang
