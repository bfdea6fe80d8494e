#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "agent/background.h"
#include "core/clock.h"

namespace haidang::agent {

// Background work that is begun anew every `every`, however often its source prepares. What the
// last run brought stands until the next one has ended, or until that took longer than `every`.
// Loop thread only.
template <typename T>
class Paced {
 public:
  // `work` as Background's. `loop` and `clock` must outlive it.
  Paced(Loop& loop, const Clock& clock, std::chrono::milliseconds every,
        std::function<Result<T>()> work)
      : background_(loop, std::move(work)),
        clock_(clock),
        every_ns_(std::chrono::nanoseconds(every).count()) {}

  void Prepare() {
    const int64_t now_ns = clock_.MonotonicNs();
    if (!background_.Ready() || (begun_ns_ && now_ns - *begun_ns_ < every_ns_)) return;
    if (begun_ns_) kept_.emplace(background_.Latest());
    begun_ns_ = now_ns;
    background_.Start();
  }

  // False while a run is under way and nothing stands in for it.
  bool Ready() const { return background_.Ready() || StandsIn(); }

  Result<T> Latest() const {
    return !background_.Ready() && StandsIn() ? *kept_ : background_.Latest();
  }

 private:
  bool StandsIn() const { return kept_ && clock_.MonotonicNs() - *begun_ns_ < every_ns_; }

  Background<T> background_;
  const Clock& clock_;
  const int64_t every_ns_;
  std::optional<int64_t> begun_ns_;  // the newest run
  std::optional<Result<T>> kept_;    // of the run before
};

}  // namespace haidang::agent
