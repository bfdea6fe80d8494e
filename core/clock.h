#pragma once

#include <cstdint>

namespace haidang {

// Where time comes from. Only `main` makes the system's clock; everything else takes a Clock, so
// that a test lives through a year in milliseconds. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds since 1970-01-01 UTC as this machine believes; may step either way.
  virtual int64_t WallMs() const = 0;

  // Nanoseconds from an arbitrary point; never steps back; stands still while suspended.
  virtual int64_t MonotonicNs() const = 0;

  // Milliseconds since this machine's boot, time in suspension included.
  virtual int64_t SinceBootMs() const = 0;
};

// The operating system's clocks. Never fails.
class SystemClock final : public Clock {
 public:
  int64_t WallMs() const override;
  int64_t MonotonicNs() const override;
  int64_t SinceBootMs() const override;
};

}  // namespace haidang
