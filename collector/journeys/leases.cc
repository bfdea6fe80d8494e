#include "collector/journeys/leases.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace haidang::journeys {
namespace {

constexpr double kMostSteps = 32;       // of a journey
constexpr double kMostRequests = 1000;  // of a walk, as far as a machine is believed
constexpr double kMostASecond = 1000;   // of a machine, likewise
constexpr double kNew = 0.3;            // weight of a new walk's requests

bool IsJourneyName(std::string_view name) {
  if (name.empty() || name.size() > sparkplug::kMaxJourneyNameBytes) return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

void Leases::Listen(int64_t now_ms) {
  if (!begun_ms_) begun_ms_ = now_ms;
}

Leases::Journey* Leases::Intern(std::string_view name) {
  if (const auto it = journeys_.find(name); it != journeys_.end()) return &it->second;
  if (journeys_.size() >= kMaxJourneys || !IsJourneyName(name)) {
    ++left_out_;
    return nullptr;
  }
  const auto it = journeys_.emplace(std::string(name), Journey{}).first;
  it->second.name = &it->first;
  return &it->second;
}

void Leases::Release(Journey& journey) {
  if (--journey.walks > 0 || !journey.sites.empty()) return;
  journeys_.erase(journeys_.find(*journey.name));
}

Leases::Walk* Leases::WalkOf(Machine& machine, const Journey& journey) {
  for (Walk& walk : machine.walks) {
    if (walk.journey == &journey) return &walk;
  }
  return nullptr;
}

Leases::Site* Leases::SiteOf(const Machine& machine, const Walk& walk) {
  const auto it = walk.journey->sites.find(machine.site);
  return it == walk.journey->sites.end() ? nullptr : &it->second;
}

double Leases::IntervalOf(const Walk& walk) {
  const double own = walk.guessed ? sparkplug::kMinLeaseSeconds : walk.own_seconds;
  return std::clamp(std::max(own, walk.journey->floor.seconds()), sparkplug::kMinLeaseSeconds,
                    sparkplug::kMaxLeaseSeconds);
}

void Leases::MarkDirty(Site& site) {
  if (!std::exchange(site.dirty, true)) dirty_.push_back(&site);
}

void Leases::Queue(Machine& machine, bool must) {
  machine.must = machine.must || must;
  if (!std::exchange(machine.queued, true)) queue_.push_back(&machine);
}

// ---- what machines say ----

void Leases::See(const Reading& reading, int64_t now_ms) {
  auto found = machines_.find(reading.machine);
  if (found == machines_.end()) {
    if (reading.reports.empty()) return;
    found = machines_.emplace(reading.machine, Machine{}).first;
    found->second.id = reading.machine;
    found->second.seen_ms = now_ms;
    found->second.site = reading.site;
    found->second.online = true;
  }
  Machine& machine = found->second;
  const int64_t gap_ms = now_ms - std::exchange(machine.seen_ms, now_ms);
  machine.interval_ms = reading.interval_ms;
  machine.server = reading.server;
  const bool back = !std::exchange(machine.online, true);
  machine.said = false;
  if (machine.name != reading.name) machine.name = reading.name;
  if (machine.site != reading.site) Move(machine, reading.site);
  Match(machine, reading.reports);
  auto walk = machine.walks.begin();
  for (const Report& report : reading.reports) {
    if (walk == machine.walks.end()) break;
    if (*walk->journey->name != report.journey) continue;
    Update(machine, *walk++, report, gap_ms, now_ms);
  }
  if (back && !machine.walks.empty()) Queue(machine, true);  // it may have missed something
}

// Makes the machine's walks those that are reported, in their order; what is beyond the bounds is
// left out.
void Leases::Match(Machine& machine, std::span<const Report> reports) {
  std::vector<Walk>& walks = machine.walks;
  const bool same =
      walks.size() == reports.size() && std::equal(walks.begin(), walks.end(), reports.begin(),
                                                   [](const Walk& walk, const Report& report) {
                                                     return *walk.journey->name == report.journey;
                                                   });
  if (same) return;
  std::vector<Walk> next;
  for (const Report& report : reports) {
    if (next.size() == sparkplug::kMaxLeases) {
      ++left_out_;
      break;
    }
    const auto was = std::find_if(walks.begin(), walks.end(), [&](const Walk& walk) {
      return walk.journey != nullptr && *walk.journey->name == report.journey;
    });
    if (was != walks.end()) {
      next.push_back(std::move(*was));
      was->journey = nullptr;
      continue;
    }
    Journey* journey = Intern(report.journey);
    if (journey == nullptr) continue;
    ++journey->walks;
    next.emplace_back().journey = journey;
  }
  for (Walk& walk : walks) {
    if (walk.journey == nullptr) continue;
    if (walk.told > 0) Queue(machine, true);
    Leave(machine, walk);
    Release(*walk.journey);
  }
  walks = std::move(next);
}

void Leases::Update(Machine& machine, Walk& walk, const Report& report, int64_t gap_ms,
                    int64_t now_ms) {
  const double most = kMostASecond * std::max(1.0, static_cast<double>(gap_ms) / 1000);
  const double requests = std::min(walk.increase.Take(report.requests), most);
  if (requests > 0) walk.journey->rate.Add(requests, gap_ms, now_ms);
  walk.pending = std::min(walk.pending + requests, 1e9);
  if (!walk.measured) {
    walk.requests = std::clamp(static_cast<double>(report.requests.size()), 1.0, kMostSteps);
  }
  FollowRuns(walk, report, now_ms);
  FollowInterval(machine, walk, report, now_ms);
  if (report.shared) {
    if (*report.shared && !walk.offered) Enter(machine, walk);
    if (!*report.shared && walk.offered) Leave(machine, walk);
  }
  if (!walk.offered) return;
  Site& site = *SiteOf(machine, walk);
  if (site.holder == nullptr) {
    if (report.leased.value_or(false)) Hold(site, &machine, now_ms);
  }
  if (!Works(site)) MarkDirty(site);
  CheckHolder(machine, walk, now_ms);
  const bool differs = report.leased && *report.leased != walk.held;
  if (differs && (!machine.ever_told || now_ms - machine.told_ms > kDiffersMs)) {
    Queue(machine, true);
  }
}

void Leases::FollowRuns(Walk& walk, const Report& report, int64_t now_ms) {
  if (!report.runs || report.runs == walk.runs) return;
  if (walk.runs) {
    walk.progress_ms = now_ms;
    walk.stalled = false;
    const double walked = *report.runs > *walk.runs ? *report.runs - *walk.runs : *report.runs;
    if (walked >= 1 && walk.pending > 0) {
      const double each = std::clamp(walk.pending / walked, 1.0, kMostRequests);
      walk.requests = walk.measured ? walk.requests + kNew * (each - walk.requests) : each;
      walk.measured = true;
    }
  }
  walk.pending = 0;
  walk.runs = report.runs;
}

// A machine may tell its own interval, or the one at which it walks while it has the lease: what is
// as it was told says nothing of its own.
void Leases::FollowInterval(const Machine& machine, Walk& walk, const Report& report,
                            int64_t now_ms) {
  if (!report.interval_seconds || !(*report.interval_seconds > 0)) return;
  const double told = std::clamp(*report.interval_seconds, 0.001, sparkplug::kMaxLeaseSeconds);
  const bool leased = report.leased.value_or(false);
  const bool heard = walk.told > 0 && now_ms - machine.told_ms > kStandsStillMs;
  if (walk.guessed) {
    walk.own_seconds = told;
    walk.guessed = leased && !(heard && told > walk.told) &&
                   !(heard && walk.told <= sparkplug::kMinLeaseSeconds);
    return;
  }
  const bool says_more =
      std::abs(told - walk.told) >= 0.001 && now_ms - machine.told_ms > kDiffersMs;
  if (told < walk.own_seconds || !leased || says_more) walk.own_seconds = told;
}

// Does it walk? And is it time to tell it again?
void Leases::CheckHolder(Machine& machine, Walk& walk, int64_t now_ms) {
  if (!walk.held) {
    if (walk.stalled && now_ms - walk.stalled_ms > kForgivenMs) walk.stalled = false;
    return;
  }
  if (std::abs(walk.told - IntervalOf(walk)) >= 0.001) Queue(machine, false);
  if (machine.ever_told && now_ms - machine.told_ms >= kRepeatMs) Queue(machine, true);
  const double interval_ms = std::max(
      {IntervalOf(walk) * 1000, walk.own_seconds * 1000, static_cast<double>(machine.interval_ms)});
  const auto patience_ms = static_cast<int64_t>(3 * interval_ms) + kStandsStillMs;
  if (walk.stalled || now_ms - walk.progress_ms <= patience_ms) return;
  walk.stalled = true;
  walk.stalled_ms = now_ms;
  if (Site* site = SiteOf(machine, walk)) MarkDirty(*site);
}

void Leases::Enter(Machine& machine, Walk& walk) {
  auto it = walk.journey->sites.find(machine.site);
  if (it == walk.journey->sites.end()) {
    if (sites_ >= kMaxSites) {
      ++left_out_;
      return;
    }
    ++sites_;
    it = walk.journey->sites.emplace(machine.site, Site{}).first;
    it->second.journey = walk.journey;
    it->second.code = &it->first;
  }
  walk.offered = true;
  ++walk.journey->shared;
  it->second.offers.push_back(&machine);
  MarkDirty(it->second);
}

void Leases::Leave(Machine& machine, Walk& walk) {
  if (!std::exchange(walk.offered, false)) return;
  --walk.journey->shared;
  Site& site = *SiteOf(machine, walk);
  std::erase(site.offers, &machine);
  if (site.loser == &machine) site.loser = nullptr;
  if (site.holder == &machine) {
    site.holder = nullptr;
    if (walk.told > 0) site.loser = &machine;
  }
  walk.held = false;
  if (walk.told > 0) Queue(machine, false);
  MarkDirty(site);
}

void Leases::Move(Machine& machine, std::string_view site) {
  std::vector<Walk*> moved;
  for (Walk& walk : machine.walks) {
    if (!walk.offered) continue;
    Leave(machine, walk);
    moved.push_back(&walk);
  }
  machine.site = site;
  for (Walk* walk : moved) Enter(machine, *walk);
}

void Leases::Born(int64_t id, int64_t now_ms) {
  const auto it = machines_.find(id);
  if (it == machines_.end()) return;
  Machine& machine = it->second;
  machine.online = true;
  machine.said = false;
  machine.seen_ms = now_ms;
  bool offers = false;
  for (Walk& walk : machine.walks) {
    walk.stalled = false;
    walk.progress_ms = now_ms;
    offers = offers || walk.offered || walk.told > 0;
    if (!walk.offered) continue;
    Site& site = *SiteOf(machine, walk);
    if (!Works(site)) MarkDirty(site);
  }
  if (offers) Queue(machine, true);
}

void Leases::Gone(int64_t id, bool said) {
  const auto it = machines_.find(id);
  if (it == machines_.end()) return;
  Machine& machine = it->second;
  machine.online = false;
  machine.said = said;
  for (Walk& walk : machine.walks) {
    if (walk.held) MarkDirty(*SiteOf(machine, walk));
  }
}

// ---- who walks ----

Leases::Machine* Leases::Best(const Site& site, bool stalled_too, int64_t now_ms) const {
  Machine* best = nullptr;
  for (Machine* machine : site.offers) {
    if (!machine->online) continue;
    if (now_ms - machine->seen_ms > kFreshIntervals * machine->interval_ms + 5000) continue;
    if (!stalled_too && WalkOf(*machine, *site.journey)->stalled) continue;
    const bool better = best == nullptr || std::tie(best->server, machine->name) <
                                               std::tie(machine->server, best->name);
    if (better) best = machine;
  }
  return best;
}

bool Leases::Works(const Site& site) {
  return site.holder != nullptr && site.holder->online &&
         !WalkOf(*site.holder, *site.journey)->stalled;
}

void Leases::Hold(Site& site, Machine* machine, int64_t now_ms) {
  if (site.holder != nullptr) {
    Walk& lost = *WalkOf(*site.holder, *site.journey);
    lost.held = false;
    site.loser = site.holder;
    if (lost.told > 0) Queue(*site.holder, false);
  }
  site.holder = machine;
  if (machine == nullptr) return;
  if (site.loser == machine) site.loser = nullptr;
  Walk& walk = *WalkOf(*machine, *site.journey);
  walk.held = true;
  walk.progress_ms = now_ms;
  Queue(*machine, false);
  for (Machine* waiting : site.offers) {
    if (waiting->must) Queue(*waiting, false);
  }
}

void Leases::Settle(Site& site, int64_t now_ms, bool settled) {
  Machine* holder = site.holder;
  if (Works(site)) return;
  const bool gone = holder != nullptr && !holder->online;
  if (gone && !settled && !holder->said) return MarkDirty(site);
  const bool starting = !begun_ms_ || now_ms - *begun_ms_ < start_ms_;
  if (holder == nullptr && (starting || !settled)) return MarkDirty(site);
  Machine* next = Best(site, false, now_ms);
  if (next == nullptr && (holder == nullptr || gone)) next = Best(site, true, now_ms);
  if (next == nullptr && !gone) return;  // better than nobody
  Hold(site, next, now_ms);
}

void Leases::Decide(int64_t now_ms, bool settled) {
  for (Site* site : std::exchange(dirty_, {})) {
    site->dirty = false;
    if (!site->offers.empty()) {
      Settle(*site, now_ms, settled);
      continue;
    }
    Journey& journey = *site->journey;
    journey.sites.erase(*site->code);
    --sites_;
    if (journey.walks == 0 && journey.sites.empty()) journeys_.erase(journeys_.find(*journey.name));
  }
  for (auto& [name, journey] : journeys_) {
    if (journey.shared > 0 && now_ms - journey.floor_ms >= kFloorMs) Spread(journey, now_ms);
  }
}

void Leases::Spread(Journey& journey, int64_t now_ms) {
  journey.floor_ms = now_ms;
  std::vector<Walker> walkers;
  for (const auto& [code, site] : journey.sites) {
    if (site.holder == nullptr) continue;
    const Walk& walk = *WalkOf(*site.holder, journey);
    walkers.push_back({walk.own_seconds, walk.requests});
  }
  if (!journey.floor.Update(NeededInterval(std::move(walkers), bound_), now_ms)) return;
  for (const auto& [code, site] : journey.sites) {
    if (site.holder != nullptr) Queue(*site.holder, false);
  }
}

}  // namespace haidang::journeys
