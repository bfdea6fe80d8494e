#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/source.h"
#include "agent/tick.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/log.h"

namespace haidang::agent {

struct SamplerOptions {
  std::chrono::milliseconds interval{15000};  // between ticks
  std::chrono::milliseconds offset{0};  // of the grid: ticks at k·interval + offset, since 1970
  // Sources are told to prepare this long before a tick. Long enough for a probe of a healthy
  // system, short enough that what it brings is fresh.
  std::chrono::milliseconds lead{2000};
};

// The machine's place in the interval, so that a province's agents do not all send at once: the
// same at each start, spread evenly over machines.
std::chrono::milliseconds SplayOf(std::string_view machine, std::chrono::milliseconds interval);

// Reads every source into a Tick on a wall-clock grid. Each source's time and success are readings
// of the group "sampler". A step of the wall clock, either way, neither skips nor doubles a tick:
// the next one comes between half an interval and one and a half after the last. So does the second
// after the first, which waits for no grid: it comes the lead after Start. Loop thread only.
class Sampler {
 public:
  // `loop` and `clock` must outlive the Sampler. `deliver` is called with each Tick.
  Sampler(Loop& loop, const Clock& clock, SamplerOptions options,
          std::vector<std::unique_ptr<Source>> sources, std::function<void(Tick&&)> deliver);

  void Start();
  void Stop();

  // Goes into the next Tick.
  void AddEvent(Event event);

  // What Start does by itself before and at each tick.
  void Prepare();
  bool Ready() const;
  Tick ReadNow(int64_t wall_ms);

 private:
  void Arm(std::chrono::milliseconds until_tick);
  void Fire();
  void ReadSource(Source& source, Tick& tick, std::vector<Reading>& own);
  std::chrono::milliseconds UntilNext(int64_t wall_ms, std::chrono::milliseconds at_least) const;
  int64_t GridTime(int64_t wall_ms) const;

  Loop& loop_;
  const Clock& clock_;
  SamplerOptions options_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<bool> failed_;  // at the last tick, so that a failure is told once
  std::function<void(Tick&&)> deliver_;
  std::vector<Event> events_;
  int64_t due_ns_ = 0;  // monotonic time of the next tick
  std::unique_ptr<Timer> timer_;
};

}  // namespace haidang::agent
