#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/clock.h"

namespace haidang::testing {

// A clock that moves only when it is told to. Thread-safe.
class FakeClock final : public Clock {
 public:
  // 2026-01-05 07:30 in Việt Nam, a Monday; booted an hour before.
  explicit FakeClock(int64_t wall_ms = 1767573000000) : wall_ms_(wall_ms) {}

  int64_t WallMs() const override { return wall_ms_; }
  int64_t MonotonicNs() const override { return monotonic_ns_; }
  int64_t SinceBootMs() const override { return since_boot_ms_; }

  // Time passes.
  void Advance(std::chrono::nanoseconds by) {
    sub_ms_ns_ += by.count();
    const int64_t ms = sub_ms_ns_ / 1000000;
    sub_ms_ns_ %= 1000000;
    monotonic_ns_ += by.count();
    wall_ms_ += ms;
    since_boot_ms_ += ms;
  }

  // The wall clock alone steps, either way.
  void StepWall(std::chrono::milliseconds by) { wall_ms_ += by.count(); }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> monotonic_ns_{1000000000};
  std::atomic<int64_t> since_boot_ms_{3600000};
  int64_t sub_ms_ns_ = 0;
};

}  // namespace haidang::testing
