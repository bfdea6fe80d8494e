#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/journey/journey_options.h"
#include "agent/journey/lease.h"
#include "agent/journey/walk.h"
#include "agent/probe/step_record.h"

namespace haidang::agent {

// Walks one journey again and again while it is this machine's turn, and reports how that went.
// Loop thread only.
class JourneyRunner {
 public:
  // `options`, `leases` and what `tools` name must outlive it. `splay`: how long after its turn
  // came the first walk begins.
  JourneyRunner(const JourneyOptions& options, const WalkTools& tools, const JourneyLeases& leases,
                std::chrono::milliseconds splay);

  // Since when a walk is due, monotonic ns; nothing while none is, or one is under way. Asked twice
  // a second.
  std::optional<int64_t> DueSince();
  // Required: a walk is due.
  void Walk();
  bool walking() const { return walk_.walking(); }

  // Appends readings, and what happened since.
  void Report(std::vector<Reading>& readings, std::vector<Event>& events);

 private:
  // Nothing while it is not our turn.
  std::optional<std::chrono::nanoseconds> Interval() const;
  void OnStep(size_t step, const ProbeResult& result);
  void OnDone();

  const JourneyOptions& options_;
  const JourneyLeases& leases_;
  const Clock& clock_;
  const std::chrono::nanoseconds splay_;
  std::vector<StepRecord> steps_;
  std::string order_;  // their names, comma-separated
  JourneyWalk walk_;
  std::optional<int64_t> due_ns_;  // while it is our turn
  uint64_t runs_ = 0;
  // Of the walk under way.
  size_t reached_ = 0;                 // steps
  int64_t duration_us_ = 0;            // of them
  std::optional<size_t> failed_step_;  // which ends it
  bool walked_ = false;                // what the last walk came to may be told
  std::optional<size_t> last_failed_step_;
  int64_t last_duration_us_ = 0;
  std::vector<Event> events_;
};

}  // namespace haidang::agent
