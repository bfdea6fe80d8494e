#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/journeys/load.h"
#include "core/query_journeys.h"
#include "core/sparkplug/lease.h"

namespace haidang::journeys {

// A journey as a machine's series tell of it; absent is unknown.
struct Report {
  std::string_view journey;
  std::optional<bool> shared;
  std::optional<bool> leased;
  std::optional<double> interval_seconds;
  std::optional<double> runs;         // counter
  std::span<const Counter> requests;  // of each step
};

// A machine at a live batch of it.
struct Reading {
  int64_t machine = 0;  // row id
  std::string_view name;
  std::string_view site;  // "": together with all others that have none
  bool server = false;    // preferred to workstations
  int64_t interval_ms = 15000;
  std::span<const Report> reports;  // by journey, each once
};

// Which machine of each site walks a journey that the site's machines share, and how often, so that
// all of the province together stays within the bound. Whoever has it keeps it, until it is gone or
// does not walk. Pure: times are monotonic milliseconds, handed in; everything that happens is told
// to it. Loop thread only.
class Leases {
 public:
  static constexpr size_t kMaxJourneys = 1024;       // of the province
  static constexpr size_t kMaxSites = 16384;         // (site, journey), of the province
  static constexpr size_t kTold = 500;               // machines in one call of Tell at most
  static constexpr int64_t kStartMs = 60'000;        // until holders are known again
  static constexpr int64_t kFirstStartMs = 5'000;    // where nobody ever held anything
  static constexpr int64_t kRepeatMs = 600'000;      // a holder is told again
  static constexpr int64_t kDiffersMs = 60'000;      // its report may differ from what it was told
  static constexpr int64_t kStandsStillMs = 30'000;  // beyond three intervals
  static constexpr int64_t kForgivenMs = 3'600'000;  // it may be tried again
  static constexpr int64_t kFloorMs = 10'000;        // between two looks at the load
  static constexpr int64_t kFreshIntervals = 3;      // of its ticks

  // `start_ms`: how long machines have to say what they hold, before the first journey is lent.
  explicit Leases(double max_requests_per_second, int64_t start_ms = kStartMs)
      : bound_(max_requests_per_second), start_ms_(start_ms) {}

  // The broker is connected: the first time, machines have their time to say what they hold.
  void Listen(int64_t now_ms);
  void See(const Reading& reading, int64_t now_ms);
  // A birth came: whatever it was told before may be lost.
  void Born(int64_t machine, int64_t now_ms);
  // It vanished, fell silent, or (`said`) told that it leaves.
  void Gone(int64_t machine, bool said);

  // At each second. `settled`: who lives had the time to be back since the broker was away; until
  // then only who said so counts as gone.
  void Decide(int64_t now_ms, bool settled);
  // Tells who is to be told, those that lose a journey before those that get it. `tell` is given
  // the machine's row id and all that it walks; false: it could not be told now, and the rest
  // waits.
  using TellOne = std::function<bool(int64_t machine, std::span<const sparkplug::Lease> leases)>;
  void Tell(int64_t now_ms, const TellOne& tell);

  struct Summary {
    double requests_per_second = 0;
    bool shared = false;  // by any machine: the bound holds for it
    size_t sites = 0;     // that have a holder
    size_t without = 0;   // that have none
  };
  void ForEachJourney(int64_t now_ms,
                      const std::function<void(const std::string&, const Summary&)>& see) const;
  // By journey, then site; loads by journey, allowed_per_second 0 where nobody shares it.
  void Describe(int64_t now_ms, std::vector<query::JourneyLease>& leases,
                std::vector<query::JourneyLoad>& loads) const;

  double bound() const { return bound_; }
  size_t waiting() const { return queue_.size(); }  // to be told
  size_t left_out() const { return left_out_; }     // offers beyond the bounds, ever

 private:
  struct Journey;
  struct Machine;
  struct Walk {
    Journey* journey = nullptr;
    bool offered = false;
    bool held = false;
    bool guessed = true;  // its own interval may be one that was told
    bool stalled = false;
    std::optional<double> runs;
    double own_seconds = 60;
    double requests = 1;  // of a walk
    bool measured = false;
    double pending = 0;  // requests since the last walk ended
    int64_t progress_ms = 0;
    int64_t stalled_ms = 0;
    double told = 0;  // seconds; 0: that it does not walk it
    Increase increase;
  };
  struct Site {
    Journey* journey = nullptr;
    const std::string* code = nullptr;
    Machine* holder = nullptr;
    Machine* loser = nullptr;  // that had it before
    std::vector<Machine*> offers;
    bool dirty = false;
  };
  struct Journey {
    const std::string* name = nullptr;
    size_t walks = 0;   // machines that know it
    size_t shared = 0;  // that offer it
    RequestRate rate;
    Floor floor;
    int64_t floor_ms = 0;
    std::map<std::string, Site, std::less<>> sites;
  };
  struct Machine {
    int64_t id = 0;
    std::string name;
    std::string site;
    bool server = false;
    bool online = false;
    bool said = false;  // that it leaves
    bool queued = false;
    bool must = false;  // be told, also where nothing changed
    bool telling = false;
    int64_t interval_ms = 15000;
    int64_t seen_ms = 0;
    int64_t told_ms = 0;
    bool ever_told = false;
    std::vector<Walk> walks;
    std::vector<sparkplug::Lease> message;
  };

  void Match(Machine& machine, std::span<const Report> reports);
  Journey* Intern(std::string_view name);
  void Release(Journey& journey);
  void Update(Machine& machine, Walk& walk, const Report& report, int64_t gap_ms, int64_t now_ms);
  static void FollowRuns(Walk& walk, const Report& report, int64_t now_ms);
  static void FollowInterval(const Machine& machine, Walk& walk, const Report& report,
                             int64_t now_ms);
  void CheckHolder(Machine& machine, Walk& walk, int64_t now_ms);
  void Enter(Machine& machine, Walk& walk);
  void Leave(Machine& machine, Walk& walk);
  void Move(Machine& machine, std::string_view site);
  void Hold(Site& site, Machine* machine, int64_t now_ms);
  void Settle(Site& site, int64_t now_ms, bool settled);
  Machine* Best(const Site& site, bool stalled_too, int64_t now_ms) const;
  void Spread(Journey& journey, int64_t now_ms);
  void MarkDirty(Site& site);
  void Queue(Machine& machine, bool must);
  bool TellMachine(Machine& machine, int64_t now_ms, const TellOne& tell, int depth);
  // Who walks what it offers is not decided yet: it may hold what nobody knows of, and is told
  // nothing.
  static bool Undecided(const Machine& machine);
  // It has a holder that is there and walks.
  static bool Works(const Site& site);
  static Walk* WalkOf(Machine& machine, const Journey& journey);
  static double IntervalOf(const Walk& walk);
  static Site* SiteOf(const Machine& machine, const Walk& walk);

  double bound_;
  int64_t start_ms_;
  std::optional<int64_t> begun_ms_;
  std::map<std::string, Journey, std::less<>> journeys_;
  std::unordered_map<int64_t, Machine> machines_;
  std::vector<Site*> dirty_;
  std::deque<Machine*> queue_;
  size_t sites_ = 0;
  size_t left_out_ = 0;
};

}  // namespace haidang::journeys
