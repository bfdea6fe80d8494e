#pragma once

#include <chrono>
#include <optional>

#include "core/clock.h"

namespace haidang::agent {

// What is begun at a tick every so often. Ticks come once an interval, a little earlier or later
// each time: half an interval too early is in time. Loop thread only.
class Cadence {
 public:
  // `clock` must outlive it.
  Cadence(const Clock& clock, std::chrono::milliseconds every, std::chrono::milliseconds tick)
      : clock_(clock), least_ns_(std::chrono::nanoseconds(every - tick / 2).count()) {}

  bool IsDue() const { return !begun_ns_ || clock_.MonotonicNs() - *begun_ns_ >= least_ns_; }
  void Begin() { begun_ns_ = clock_.MonotonicNs(); }

 private:
  const Clock& clock_;
  const int64_t least_ns_;
  std::optional<int64_t> begun_ns_;
};

}  // namespace haidang::agent
