#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/detect/findings.h"
#include "collector/fleet.h"
#include "collector/journey_history.h"
#include "collector/places.h"
#include "collector/verdict/troubles.h"
#include "collector/watched_machine.h"
#include "core/query_journeys.h"

namespace haidang::collector {

// Follows how each step of each journey goes at each site, and decides where it is slow. Sees every
// live batch; judges every few seconds while anything is in trouble. Loop thread.
class JourneyWatch {
 public:
  using ObjectiveOf =
      std::function<const query::Objective*(std::string_view journey, std::string_view step)>;

  // All of them outlive the watch. `places` answers those of now.
  JourneyWatch(Fleet& fleet, std::function<const Places&()> places, ObjectiveOf objective_of)
      : fleet_(fleet), places_(std::move(places)), objective_of_(std::move(objective_of)) {}

  // What was before the collector started; once, soon after.
  void Remember(const JourneyHistory& history);
  // At each live batch.
  void SeeTick(const Machine& machine, Moment now);
  // At each second: judges what is in trouble, and tells the open findings about it.
  void EverySecond(Moment now, detect::FindingBook& book);

  // Steps and troubles as they are now.
  void Describe(Moment now, query::JourneysNow& out) const;
  // All that verdicts are reached from.
  // `judged` as StepTrack::Describe has it.
  verdict::Scene MakeScene(Moment now, bool judged) const;
  bool in_trouble() const { return in_trouble_; }

 private:
  using StepKey = WatchedMachine::StepKey;

  WatchedMachine* Watch(int64_t machine);
  void FollowPlaces();
  Place PlaceOf(const Machine& machine, int64_t at_ms) const;
  std::optional<double> SiteUsual(const Machine& machine, const StepKey& key, Moment now) const;
  void Amend(detect::FindingBook& book, int64_t now_ms) const;
  void LearnWalks(const JourneySlots& slots, const Machine& machine);
  void LearnAddress(const std::string& journey, const verdict::StepTrack& track);
  // The known steps, as they are walked, with an index for each.
  std::map<StepKey, size_t> Ordered(std::vector<StepKey>& keys) const;

  static constexpr int64_t kJudgeMs = 2000;
  static constexpr size_t kMaxMachines = 4000;
  static constexpr size_t kMaxSteps = 4096;      // of all journeys
  static constexpr size_t kMaxWalkBytes = 8192;  // of a journey's names of steps
  static constexpr size_t kMaxAddresses = 64;    // of a journey
  static constexpr size_t kMaxOfMachine = 1024;  // steps

  Fleet& fleet_;
  std::function<const Places&()> places_;
  ObjectiveOf objective_of_;
  std::unordered_map<int64_t, WatchedMachine> machines_;                 // by row id
  std::map<std::string, std::vector<std::string>, std::less<>> serves_;  // by machine
  int64_t places_version_ = -1;
  std::map<StepKey, size_t> order_;  // in which steps were seen first
  std::map<std::string, std::string>
      walks_;  // by journey: its steps as they are walked, with commas
  std::map<std::string, std::set<std::string>> addresses_;  // where somebody was well, by journey
  verdict::Troubles troubles_;
  bool in_trouble_ = false;
  int64_t judged_mono_ms_ = 0;
};

}  // namespace haidang::collector
