#pragma once

#include <cstdint>

namespace haidang::store {

// Blocks hold a machine's batches of one such stretch of time each, counted from 1970.
inline constexpr int64_t kWindowMs = int64_t{2} * 3600 * 1000;

// The beginning of the window in which `time_ms` lies.
constexpr int64_t WindowOf(int64_t time_ms) {
  const int64_t over = time_ms % kWindowMs;
  return time_ms - (over < 0 ? over + kWindowMs : over);
}

}  // namespace haidang::store
