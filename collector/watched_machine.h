#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collector/journey_slots.h"
#include "collector/machine.h"
#include "collector/places.h"
#include "collector/verdict/scene.h"
#include "collector/verdict/track.h"

namespace haidang::collector {

// What is kept of one machine that walks journeys, or serves one, from batch to batch. Loop thread.
class WatchedMachine {
 public:
  struct StepKey {
    std::string journey, step;
    auto operator<=>(const StepKey&) const = default;
  };
  struct StepRecord {
    verdict::StepTrack track;
    std::vector<std::string> depends_on;
    std::optional<double> runs;
    bool seen = false;
    bool known = false;  // a step after a failed one is not walked
  };
  // What is known of a step beyond this machine.
  struct Asked {
    std::optional<double> objective_seconds;
    std::optional<double> site_usual_seconds;
  };

  // Looks its series up where they changed; true where it did.
  bool Follow(const Machine& machine);
  const JourneySlots& slots() const { return slots_; }
  // A live batch came: whether a new run of the step is in it; then Add tells it to its track.
  bool HasNewRun(const JourneySlots::Step& step, const Machine& machine, bool& first);
  void Add(const JourneySlots::Step& step, const Machine& machine, const Asked& asked, bool first,
           int64_t now_ms);
  // The rest of the batch. `learn`: nothing that it serves is in trouble.
  void SeeRest(const Machine& machine, bool learn, int64_t now_ms);
  void Describe(const Machine& machine, Moment now, int64_t trouble_since_ms,
                verdict::MachineNow& out) const;

  void Remember(verdict::Way way, const std::string& target, double rtt, int64_t at_ms) {
    paths_[{way, target}].Remember(rtt, at_ms);
  }
  void Remember(const std::string& name, double seconds, int64_t at_ms) {
    names_[name].Remember(seconds, at_ms);
  }

  bool in_trouble() const;
  std::map<StepKey, StepRecord> steps;

 private:
  void SeeLoads(const Machine& machine, bool learn, int64_t now_ms);
  void SeeFailed(const Machine& machine, int64_t now_ms);
  verdict::Loads LoadsNow(const Machine& machine, std::string* busiest) const;

  static constexpr int64_t kLoadMs = 5000;  // loads are of the last so many, or of one tick
  static constexpr int64_t kLearnLoadMs = 15'000;

  JourneySlots slots_;
  uint32_t slots_version_ = 0;
  bool looked_up_ = false;
  std::map<std::pair<verdict::Way, std::string>, verdict::PathTrack> paths_;
  std::map<std::string, verdict::NameTrack> names_;
  verdict::Counters<5> counters_{kLoadMs};  // idle, busy, waits for processor, memory, disk
  std::map<std::string, verdict::Counters<1>> disks_;
  verdict::Counters<1> errors_{60'000};
  verdict::Counters<1> carrier_downs_{120'000};
  verdict::Usual<verdict::kLoads> usual_loads_{4};
  int64_t loads_learnt_ms_ = 0;
  std::map<std::string, int64_t> failed_;  // since when; 0: ever since it was seen
  bool failed_seen_ = false;
};

}  // namespace haidang::collector
