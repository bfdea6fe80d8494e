#include <algorithm>
#include <cmath>
#include <utility>

#include "collector/journeys/leases.h"

// What machines are told, and what is told of them.
namespace haidang::journeys {
namespace {

constexpr int kDeepest = 8;  // of those that have to be told one before the other

bool Same(double a, double b) { return std::abs(a - b) < 0.001; }

}  // namespace

// ---- telling ----

void Leases::Tell(int64_t now_ms, const TellOne& tell) {
  for (size_t room = kTold; room > 0 && !queue_.empty(); --room) {
    Machine& machine = *queue_.front();
    queue_.pop_front();
    machine.queued = false;
    if (!machine.online) continue;  // with the answer of its next birth
    if (Undecided(machine)) {
      machine.must = true;  // once it is
      continue;
    }
    if (TellMachine(machine, now_ms, tell, 0)) continue;
    machine.queued = true;
    queue_.push_front(&machine);
    return;
  }
}

bool Leases::Undecided(const Machine& machine) {
  return std::any_of(machine.walks.begin(), machine.walks.end(), [&](const Walk& walk) {
    return walk.offered && SiteOf(machine, walk)->holder == nullptr;
  });
}

bool Leases::TellMachine(Machine& machine, int64_t now_ms, const TellOne& tell, int depth) {
  machine.telling = true;
  machine.message.clear();
  bool told = true;
  bool changed = machine.must;
  for (Walk& walk : machine.walks) {
    const double seconds = walk.held ? IntervalOf(walk) : 0;
    changed = changed || !Same(seconds, walk.told);
    if (!walk.held) continue;
    machine.message.push_back({*walk.journey->name, seconds});
    Site& site = *SiteOf(machine, walk);
    Machine* loser = std::exchange(site.loser, nullptr);
    if (loser == nullptr || !loser->online || loser->telling || depth == kDeepest) continue;
    const Walk* lost = WalkOf(*loser, *walk.journey);
    if (lost == nullptr || lost->told == 0 || lost->held) continue;
    if (TellMachine(*loser, now_ms, tell, depth + 1)) continue;
    site.loser = loser;
    told = false;
    break;
  }
  machine.telling = false;
  if (!told || !changed) return told;
  if (!tell(machine.id, machine.message)) return false;
  machine.must = false;
  machine.ever_told = true;
  machine.told_ms = now_ms;
  for (Walk& walk : machine.walks) walk.told = walk.held ? IntervalOf(walk) : 0;
  return true;
}

// ---- what is told of it ----

void Leases::ForEachJourney(
    int64_t now_ms, const std::function<void(const std::string&, const Summary&)>& see) const {
  for (auto& [name, journey] : journeys_) {
    Summary summary;
    summary.requests_per_second = journey.rate.Now(begun_ms_.value_or(now_ms), now_ms);
    summary.shared = journey.shared > 0;
    for (const auto& [code, site] : journey.sites) {
      if (!site.offers.empty()) ++(site.holder != nullptr ? summary.sites : summary.without);
    }
    see(name, summary);
  }
}

void Leases::Describe(int64_t now_ms, std::vector<query::JourneyLease>& leases,
                      std::vector<query::JourneyLoad>& loads) const {
  for (auto& [name, journey] : journeys_) {
    const double rate = journey.rate.Now(begun_ms_.value_or(now_ms), now_ms);
    loads.push_back({name, rate, journey.shared > 0 ? bound_ : 0});
    for (auto& [code, site] : journey.sites) {
      if (site.offers.empty()) continue;
      query::JourneyLease& lease = leases.emplace_back();
      lease.journey = name;
      lease.site = code;
      if (site.holder == nullptr) continue;
      lease.machine = site.holder->name;
      const Walk& walk = *WalkOf(*site.holder, journey);
      lease.interval_seconds = std::max(walk.own_seconds, journey.floor.seconds());
    }
  }
}

}  // namespace haidang::journeys
