#include "agent/clock_offset.h"

#include <algorithm>
#include <cmath>

namespace haidang::agent {
namespace {

// A quartz that is off by more than this is broken; a sample grows worse with its age.
constexpr double kDrift = 100e-6;
// Both clocks are read to the millisecond.
constexpr double kResolutionMs = 1;
// What is told moves in steps of this, so that a series does not change with each tick.
constexpr double kStepMs = 5;

}  // namespace

double ClockOffset::ErrorAt(const Sample& sample, int64_t since_boot_ms) {
  return sample.error_ms + kDrift * static_cast<double>(since_boot_ms - sample.at_ms);
}

const ClockOffset::Sample* ClockOffset::Best(int64_t since_boot_ms) const {
  const auto end =
      samples_.begin() + static_cast<std::ptrdiff_t>(std::min(count_, samples_.size()));
  const auto best = std::min_element(samples_.begin(), end, [&](const auto& a, const auto& b) {
    return ErrorAt(a, since_boot_ms) < ErrorAt(b, since_boot_ms);
  });
  return best == end ? nullptr : &*best;
}

void ClockOffset::Measure(int64_t sent_ms, int64_t received_ms, int64_t answered_ms,
                          int64_t came_ms) {
  const int64_t trip_ms = (came_ms - sent_ms) - (answered_ms - received_ms);
  // One of the collector's times is before a step of its clock, and the other one after it.
  if (came_ms < sent_ms || answered_ms < received_ms || trip_ms < -2) return;
  Sample fresh;
  fresh.boot_ms =
      (static_cast<double>(received_ms - sent_ms) + static_cast<double>(answered_ms - came_ms)) / 2;
  fresh.error_ms = std::max(0.0, static_cast<double>(trip_ms) / 2) + kResolutionMs;
  fresh.at_ms = came_ms;
  // Where the two cannot both be true, the collector's clock stepped: the older ones are worthless.
  if (const Sample* best = Best(came_ms);
      best != nullptr &&
      std::abs(best->boot_ms - fresh.boot_ms) > ErrorAt(*best, came_ms) + fresh.error_ms) {
    count_ = 0;
  }
  samples_[count_++ % samples_.size()] = fresh;
}

std::optional<ClockOffset::Estimate> ClockOffset::At(int64_t wall_ms, int64_t since_boot_ms) const {
  const Sample* best = Best(since_boot_ms);
  if (best == nullptr) return std::nullopt;
  const double offset_ms = static_cast<double>(wall_ms - since_boot_ms) - best->boot_ms;
  const double error_ms = std::ceil(ErrorAt(*best, since_boot_ms) / kStepMs) * kStepMs;
  return Estimate{std::round(offset_ms) / 1000, error_ms / 1000};
}

}  // namespace haidang::agent
