#pragma once

#include <cstddef>
#include <cstdint>

namespace haidang::store {

// Steps on the UTC grid: multiples of the step from 1970. A range is widened to the whole steps
// that it touches; a step's time is its beginning.
class StepGrid {
 public:
  // Required: from_ms ≤ to_ms, step_ms > 0, all within ±2^53.
  StepGrid(int64_t from_ms, int64_t to_ms, int64_t step_ms)
      : step_ms_(step_ms),
        begin_ms_(Floor(from_ms, step_ms)),
        count_(static_cast<size_t>((Floor(to_ms, step_ms) - begin_ms_) / step_ms + 1)) {}

  int64_t step_ms() const { return step_ms_; }
  int64_t begin_ms() const { return begin_ms_; }
  int64_t end_ms() const { return TimeOf(count_); }  // exclusive
  size_t count() const { return count_; }

  int64_t TimeOf(size_t step) const { return begin_ms_ + static_cast<int64_t>(step) * step_ms_; }
  bool Has(int64_t time_ms) const { return time_ms >= begin_ms_ && time_ms < end_ms(); }
  // Required: Has(time_ms).
  size_t StepOf(int64_t time_ms) const {
    return static_cast<size_t>((time_ms - begin_ms_) / step_ms_);
  }

  // The beginning of the step in which `time_ms` lies.
  static int64_t Floor(int64_t time_ms, int64_t step_ms) {
    const int64_t over = time_ms % step_ms;
    return time_ms - (over < 0 ? over + step_ms : over);
  }

 private:
  int64_t step_ms_;
  int64_t begin_ms_;
  size_t count_;
};

}  // namespace haidang::store
