#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace haidang::agent {

// How far this machine's wall clock is from the collector's, by NTP's four timestamps (RFC 5905,
// section 8): when a batch was sent and its acknowledgement came, by the time since boot, which
// does not step; when the collector received the one and sent the other, by its wall clock. Pure:
// times are milliseconds.
class ClockOffset {
 public:
  struct Estimate {
    double offset_seconds = 0;  // our wall clock is ahead by this
    double error_seconds = 0;   // at most so wrong
  };

  // `sent` and `came` since our boot, `received` and `answered` on the collector's wall clock.
  void Measure(int64_t sent_ms, int64_t received_ms, int64_t answered_ms, int64_t came_ms);

  // Nothing before the first measurement.
  std::optional<Estimate> At(int64_t wall_ms, int64_t since_boot_ms) const;

 private:
  struct Sample {
    double boot_ms = 0;   // our boot, on the collector's clock
    double error_ms = 0;  // half of the time that the network took
    int64_t at_ms = 0;    // since our boot
  };
  static double ErrorAt(const Sample& sample, int64_t since_boot_ms);
  const Sample* Best(int64_t since_boot_ms) const;

  std::array<Sample, 8> samples_;
  size_t count_ = 0;  // ever taken
};

}  // namespace haidang::agent
