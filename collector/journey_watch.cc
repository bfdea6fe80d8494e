#include "collector/journey_watch.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "collector/verdict/judge.h"

namespace haidang::collector {
namespace {

// Where `step` stands among `names`, which have commas between them; their end where it does not.
size_t PositionIn(std::string_view names, std::string_view step) {
  for (size_t begin = 0; begin < names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    if (names.substr(begin, end - begin) == step) return begin;
    begin = end + 1;
  }
  return names.size();
}

}  // namespace

void JourneyWatch::FollowPlaces() {
  const query::Snapshot& snapshot = places_().snapshot();
  if (snapshot.version == places_version_) return;
  places_version_ = snapshot.version;
  serves_.clear();
  for (const query::Placement& placement : snapshot.placements) {
    if (placement.serves.empty() || placement.valid_to_ms) continue;
    serves_[placement.machine] = placement.serves;
  }
}

Place JourneyWatch::PlaceOf(const Machine& machine, int64_t at_ms) const {
  return places_().Of(machine.row.name, machine.site, machine.machine_class, at_ms);
}

std::optional<double> JourneyWatch::SiteUsual(const Machine& machine, const StepKey& key,
                                              Moment now) const {
  const std::string site = PlaceOf(machine, now.wall_ms).site;
  if (site.empty()) return std::nullopt;
  for (const auto& [id, watched] : machines_) {
    const auto record = watched.steps.find(key);
    if (id == machine.row.id || record == watched.steps.end()) continue;
    const auto usual = record->second.track.usual()[6];
    if (!usual) continue;
    const Machine* other = fleet_.ByRow(id);
    if (other != nullptr && PlaceOf(*other, now.wall_ms).site == site) return usual;
  }
  return std::nullopt;
}

void JourneyWatch::LearnAddress(const std::string& journey, const verdict::StepTrack& track) {
  if (!track.last().success || track.bad() || track.last().address.empty()) return;
  if (addresses_.size() >= kMaxSteps && !addresses_.contains(journey)) return;
  auto& known = addresses_[journey];
  if (known.size() < kMaxAddresses) known.insert(track.last().address);
}

// The last word counts: machines may be configured one after the other.
void JourneyWatch::LearnWalks(const JourneySlots& slots, const Machine& machine) {
  for (const JourneySlots::Item& walk : slots.walks) {
    const auto told = machine.head.Text(walk.slot);
    if (!told || told->size() > kMaxWalkBytes) continue;
    const auto known = walks_.find(walk.name);
    if (known != walks_.end()) {
      if (known->second != *told) known->second = *told;
    } else if (walks_.size() < kMaxSteps) {
      walks_.emplace(walk.name, *told);
    }
  }
}

WatchedMachine* JourneyWatch::Watch(int64_t machine) {
  const auto at = machines_.find(machine);
  if (at != machines_.end()) return &at->second;
  if (machines_.size() >= kMaxMachines) return nullptr;
  return &machines_[machine];
}

void JourneyWatch::Remember(const JourneyHistory& history) {
  const auto of = [this](const std::string& name) -> WatchedMachine* {
    const Machine* machine = fleet_.Find(name);
    return machine == nullptr ? nullptr : Watch(machine->row.id);
  };
  for (const JourneyHistory::StepRow& row : history.steps) {
    WatchedMachine* watched = of(row.machine);
    if (watched == nullptr || watched->steps.size() >= kMaxOfMachine) continue;
    verdict::StepTrack::Rule rule;
    if (const auto* objective = objective_of_(row.journey, row.step)) {
      rule.objective_seconds = objective->seconds;
    }
    watched->steps[{row.journey, row.step}].track.Remember(row.mean, row.coarse, rule, row.at_ms);
  }
  for (const JourneyHistory::PathRow& row : history.paths) {
    if (auto* watched = of(row.machine)) {
      watched->Remember(WayOf(row.role), row.target, row.rtt, row.at_ms);
    }
  }
  for (const JourneyHistory::NameRow& row : history.names) {
    if (auto* watched = of(row.machine)) watched->Remember(row.name, row.seconds, row.at_ms);
  }
}

void JourneyWatch::SeeTick(const Machine& machine, Moment now) {
  FollowPlaces();
  const bool serves = serves_.contains(machine.row.name);
  if (machine.roles.probes.empty() && !serves) return;
  WatchedMachine* const at = Watch(machine.row.id);
  if (at == nullptr) return;
  WatchedMachine& watched = *at;
  if (watched.Follow(machine)) {
    for (const JourneySlots::Step& step : watched.slots().steps) {
      if (order_.size() < kMaxSteps) order_.try_emplace({step.journey, step.step}, order_.size());
    }
  }
  LearnWalks(watched.slots(), machine);
  size_t steps = 0;
  for (const JourneySlots::Step& step : watched.slots().steps) {
    bool first = false;
    if (++steps > kMaxOfMachine || !watched.HasNewRun(step, machine, first)) continue;
    WatchedMachine::Asked asked;
    if (const auto* objective = objective_of_(step.journey, step.step)) {
      asked.objective_seconds = objective->seconds;
    }
    const StepKey key{step.journey, step.step};
    if (!watched.steps[key].track.usual()[6]) {
      asked.site_usual_seconds = SiteUsual(machine, key, now);
    }
    watched.Add(step, machine, asked, first, now.wall_ms);
    LearnAddress(step.journey, watched.steps[key].track);
  }
  watched.SeeRest(machine, !serves || !in_trouble_, now.wall_ms);
}

std::map<JourneyWatch::StepKey, size_t> JourneyWatch::Ordered(std::vector<StepKey>& keys) const {
  std::map<StepKey, size_t> walked;
  for (const auto& [key, order] : order_) {
    keys.push_back(key);
    const auto walk = walks_.find(key.journey);
    walked.emplace(key, walk == walks_.end() ? 0 : PositionIn(walk->second, key.step));
  }
  std::sort(keys.begin(), keys.end(), [&](const StepKey& a, const StepKey& b) {
    return std::tie(a.journey, walked.at(a), order_.at(a)) <
           std::tie(b.journey, walked.at(b), order_.at(b));
  });
  std::map<StepKey, size_t> index;
  for (size_t i = 0; i < keys.size(); ++i) index.emplace(keys[i], i);
  return index;
}

verdict::Scene JourneyWatch::MakeScene(Moment now, bool judged) const {
  verdict::Scene scene;
  scene.now_ms = now.wall_ms;
  std::vector<StepKey> keys;
  const auto index = Ordered(keys);
  scene.steps.resize(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    scene.steps[i].journey = keys[i].journey;
    scene.steps[i].step = keys[i].step;
  }
  int64_t trouble_since_ms = now.wall_ms;
  for (const auto& [id, watched] : machines_) {
    for (const auto& [key, record] : watched.steps) {
      const int64_t since_ms = record.track.since_ms();
      if (since_ms > 0) trouble_since_ms = std::min(trouble_since_ms, since_ms);
    }
  }
  for (const auto& machine : fleet_.machines()) {
    const auto at = machines_.find(machine->row.id);
    if (at == machines_.end() || !machine->registered) continue;
    const size_t number = scene.machines.size();
    verdict::MachineNow& out = scene.machines.emplace_back();
    at->second.Describe(*machine, now, trouble_since_ms, out);
    Place place = PlaceOf(*machine, now.wall_ms);
    out.site = std::move(place.site);
    out.site_name = std::move(place.site_name);
    if (const auto serves = serves_.find(machine->row.name); serves != serves_.end()) {
      out.serves = serves->second;
    }
    for (const auto& [key, record] : at->second.steps) {
      const auto step = index.find(key);
      if (step == index.end() || !record.seen) continue;
      verdict::Step& to = scene.steps[step->second];
      if (to.depends_on.empty()) to.depends_on = record.depends_on;
      verdict::Point& point = to.points.emplace_back();
      point.machine = number;
      record.track.Describe(now.wall_ms, judged, point);
      point.current = point.current && record.known && out.fresh;
      const auto known = addresses_.find(key.journey);
      point.address_well = known != addresses_.end() && known->second.contains(point.address);
    }
  }
  return scene;
}

void JourneyWatch::EverySecond(Moment now, detect::FindingBook& book) {
  if (judged_mono_ms_ != 0 && now.mono_ms - judged_mono_ms_ < kJudgeMs) return;
  judged_mono_ms_ = now.mono_ms;
  in_trouble_ = std::any_of(machines_.begin(), machines_.end(),
                            [](const auto& entry) { return entry.second.in_trouble(); });
  if (!in_trouble_) {
    if (!troubles_.now().empty()) troubles_.Update({}, {});
    return;
  }
  const verdict::Scene scene = MakeScene(now, true);
  troubles_.Update(scene, verdict::Judge(scene));
  Amend(book, now.wall_ms);
}

void JourneyWatch::Amend(detect::FindingBook& book, int64_t now_ms) const {
  for (const verdict::Trouble& trouble : troubles_.now()) {
    const query::Verdict& verdict = trouble.told.verdict;
    const detect::FindingBook::Evidence evidence{
        .words = {{"verdict", std::string(query::ToString(verdict.culprit))},
                  {"certainty", std::string(query::ToString(verdict.certainty))},
                  {"summary_vi", verdict.summary.vi},
                  {"summary_en", verdict.summary.en}}};
    for (const std::string& machine : trouble.machines) {
      for (const char* kind : {"probe_failed", "response_slow"}) {
        const detect::FindingKey key{kind, machine, trouble.told.journey, trouble.told.step};
        book.Amend(key, evidence, now_ms);
      }
    }
  }
}

void JourneyWatch::Describe(Moment now, query::JourneysNow& out) const {
  const verdict::Scene scene = MakeScene(now, false);
  out.now_ms = now.wall_ms;
  for (const verdict::Step& step : scene.steps) {
    query::StepNow& told = out.steps.emplace_back();
    told.journey = step.journey;
    told.step = step.step;
    told.depends_on = step.depends_on;
    for (const verdict::Point& point : step.points) {
      const verdict::MachineNow& machine = scene.machines[point.machine];
      query::StepAtSite& at = told.sites.emplace_back();
      at.site = machine.site;
      at.site_name = machine.site_name;
      at.machine = machine.machine;
      at.usual_seconds = point.usual_seconds;
      at.usual_phases = point.usual_phases;
      at.at_ms = point.at_ms;
      if (!point.current) continue;
      at.success = point.success;
      at.seconds = point.seconds;
      at.phases = point.phases;
      at.reason = point.reason;
      at.address = point.address;
      at.slow = point.slow;
    }
    std::sort(told.sites.begin(), told.sites.end(), [](const auto& a, const auto& b) {
      return std::tie(a.site, a.machine) < std::tie(b.site, b.machine);
    });
  }
  for (const verdict::Trouble& trouble : troubles_.now()) out.troubles.push_back(trouble.told);
}

}  // namespace haidang::collector
