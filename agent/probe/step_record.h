#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/probe/probe.h"
#include "core/histogram.h"
#include "core/sample.h"

namespace haidang::agent {

// What the runs of one step of a journey came to, as its series tell it. Loop thread only.
class StepRecord {
 public:
  static constexpr size_t kMaxHops = 8;  // redirects that have a series each

  // `depends_on`: services behind the system that the step needs.
  StepRecord(const std::string& journey, const std::string& step,
             const std::vector<std::string>& depends_on);

  // A run ended; where it went another way than the one before, an event is added.
  void Take(const ProbeResult& result, int64_t wall_ms, std::vector<Event>& events);

  // What the last run came to holds no more: the step was not reached, or is not walked now. What
  // is counted stays.
  void Forget() { last_.reset(); }

  void Report(std::vector<Reading>& readings) const;

  const std::optional<ProbeResult>& last() const { return last_; }
  const std::string& step() const { return labels_.find("step")->second; }

 private:
  void ReportLast(std::vector<Reading>& readings) const;

  Labels labels_;
  std::string depends_on_;  // comma-separated
  std::optional<ProbeResult> last_;
  ProbeReason reason_ = ProbeReason::kNone;  // of the last run, forgotten or not
  uint64_t runs_ = 0;
  uint64_t failures_ = 0;
  uint64_t requests_ = 0;
  Histogram latency_;  // of runs that succeeded, seconds
};

}  // namespace haidang::agent
