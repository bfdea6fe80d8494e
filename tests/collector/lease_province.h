#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/journeys/leases.h"

namespace haidang::collector::testing {

// Machines that share journeys, as agents do, before a collector's Leases, second by second.
class LeaseProvince {
 public:
  struct Machine {
    int64_t id = 0;
    std::string name;
    std::string site;
    bool server = false;
    bool runs = true;          // the agent's process
    bool connected = true;     // its session
    bool walks = true;         // a broken one has the lease, and does not
    std::optional<bool> lies;  // of whether it is leased
    double own_seconds = 60;
    bool tells_effective = false;  // its interval series follows its lease
    double requests = 3;           // of a walk
    std::map<std::string, double> leases;
    std::map<std::string, double> runs_total, requests_total;
    std::map<std::string, int64_t> walked_ms;
    int64_t gone_ms = 0;  // when the collector hears that it went silent; 0: it did not
    int told = 0;         // commands that it got
  };

  explicit LeaseProvince(double bound = 5) : bound_(bound) { Restart(); }

  Machine& Add(const std::string& name, const std::string& site, bool server = false) {
    Machine& machine = *machines.emplace_back(std::make_unique<Machine>());
    machine.id = static_cast<int64_t>(machines.size());
    machine.name = name;
    machine.site = site;
    machine.server = server;
    return machine;
  }

  // The collector begins anew.
  void Restart() {
    leases = std::make_unique<journeys::Leases>(bound_);
    leases->Listen(now_ms);
  }

  void Kill(Machine& machine, bool said = false) {
    if (!machine.runs) return;
    machine.runs = false;
    if (machine.connected) leases->Gone(machine.id, said);
  }
  void StartAgent(Machine& machine) {
    if (machine.runs) return;
    machine.runs = machine.connected = true;
    machine.gone_ms = 0;
    machine.leases.clear();
    machine.runs_total.clear();
    machine.requests_total.clear();
    machine.walked_ms.clear();
    leases->Born(machine.id, now_ms);
    Tick(machine);
  }
  // Nothing comes from it any more, and its Will not either: it is silent after 45 s.
  void Lose(Machine& machine) {
    if (!machine.runs || !machine.connected) return;
    machine.connected = false;
    machine.gone_ms = now_ms + 45'000;
  }
  void Reconnect(Machine& machine) {
    if (!machine.runs || machine.connected) return;
    machine.connected = true;
    machine.gone_ms = 0;
    leases->Born(machine.id, now_ms);
  }

  void Tick(Machine& machine) {
    std::vector<journeys::Report> reports;
    std::vector<journeys::Counter> counters(journeys.size());
    for (size_t i = 0; i < journeys.size(); ++i) {
      const std::string& journey = journeys[i];
      const auto lease = machine.leases.find(journey);
      std::optional<bool> leased = machine.lies.value_or(lease != machine.leases.end());
      if (now_ms < unknown_until_ms) leased.reset();
      double interval = machine.own_seconds;
      if (machine.tells_effective && lease != machine.leases.end()) {
        interval = std::max(interval, lease->second);
      }
      counters[i] = {static_cast<uint32_t>(i), machine.requests_total[journey]};
      reports.push_back({journey, true, leased, interval, machine.runs_total[journey],
                         std::span(counters).subspan(i, 1)});
    }
    leases->See({machine.id, machine.name, machine.site, machine.server, 15000, reports}, now_ms);
  }

  void Second() {
    now_ms += 1000;
    for (const auto& machine : machines) {
      if (machine->gone_ms != 0 && machine->gone_ms <= now_ms) {
        machine->gone_ms = 0;
        leases->Gone(machine->id, false);
      }
      if (!machine->runs) continue;
      for (const auto& [journey, seconds] : machine->leases) Walk(*machine, journey, seconds);
      if (machine->connected && (now_ms / 1000 + machine->id) % 15 == 0) Tick(*machine);
    }
    leases->Decide(now_ms, settled);
    leases->Tell(now_ms, [&](int64_t id, std::span<const sparkplug::Lease> told) {
      Machine& machine = *machines[static_cast<size_t>(id - 1)];
      if (!machine.runs || !machine.connected || (lost && lost())) return true;
      ++machine.told;
      machine.leases.clear();
      for (const sparkplug::Lease& lease : told)
        machine.leases[lease.journey] = lease.interval_seconds;
      if (heard) heard();
      return true;
    });
  }
  void Seconds(int count) {
    while (count-- > 0) Second();
  }

  // Those that run, are connected and have the lease.
  std::vector<std::string> Holders(const std::string& site, const std::string& journey) const {
    std::vector<std::string> names;
    for (const auto& machine : machines) {
      if (machine->runs && machine->connected && machine->site == site &&
          machine->leases.count(journey) != 0) {
        names.push_back(machine->name);
      }
    }
    return names;
  }
  double Rate(const std::string& journey) const {
    double rate = -1;
    leases->ForEachJourney(now_ms, [&](const std::string& name, const auto& summary) {
      if (name == journey) rate = summary.requests_per_second;
    });
    return rate;
  }

  int64_t now_ms = 1'000'000;
  bool settled = true;
  int64_t unknown_until_ms = 0;  // as after a hole: what did not change since is not known
  std::function<bool()> lost;    // whether a command is
  std::function<void()> heard;   // after each command
  std::vector<std::string> journeys{"mot-cua"};
  std::vector<std::unique_ptr<Machine>> machines;
  std::unique_ptr<journeys::Leases> leases;

 private:
  void Walk(Machine& machine, const std::string& journey, double seconds) {
    if (!machine.walks) return;
    const double interval = std::max(seconds, machine.own_seconds);
    int64_t& last_ms = machine.walked_ms[journey];
    if (last_ms != 0 && now_ms - last_ms < static_cast<int64_t>(interval * 1000)) return;
    last_ms = now_ms;
    machine.runs_total[journey] += 1;
    machine.requests_total[journey] += machine.requests;
  }

  double bound_;
};

}  // namespace haidang::collector::testing
