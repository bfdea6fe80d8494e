#include "collector/overview.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace haidang::collector {
namespace {

query::ProbeNow DescribeProbe(const ProbeSlots& slots, const Machine& machine, bool fresh) {
  query::ProbeNow probe;
  probe.journey = slots.journey();
  probe.step = slots.step();
  if (!fresh) return probe;
  if (const auto success = machine.head.Number(slots.success)) probe.success = *success != 0;
  probe.seconds = machine.head.Number(slots.duration);
  if (probe.success == false) probe.reason = machine.head.Text(slots.reason).value_or("");
  return probe;
}

void DescribeValues(const Machine& machine, Moment now, query::MachineNow& out) {
  const Roles& roles = machine.roles;
  const Head& head = machine.head;
  out.load1 = head.Number(roles.load1);
  if (roles.cpus > 0) out.cpus = roles.cpus;
  out.cpu_busy_ratio = machine.cpu.busy_ratio();
  const auto total = head.Number(roles.memory_total);
  const auto available = head.Number(roles.memory_available);
  if (total && available && *total > 0) {
    out.memory_used_ratio = std::clamp(1 - *available / *total, 0.0, 1.0);
  }
  if (auto disk = FullestDisk(roles, head)) {
    out.disk_used_ratio = disk->used_ratio;
    out.disk_mountpoint = std::move(disk->mountpoint);
  }
  if (const auto boot = head.Number(roles.boot_time)) {
    // Boot time and tick are both on the machine's clock, so that its error cancels out; the time
    // since is ours.
    const double at_tick = static_cast<double>(head.device_ms()) / 1000 - *boot;
    const double since = static_cast<double>(now.mono_ms - *machine.received_mono_ms) / 1000;
    if (at_tick >= 0) out.uptime_seconds = at_tick + since;
  }
}

}  // namespace

const query::Objective* ObjectiveOf(const Places& places,
                                    const std::vector<query::Objective>& own_objectives,
                                    std::string_view journey, std::string_view step) {
  const query::Objective* objective = places.ObjectiveOf(journey, step);
  return objective != nullptr ? objective : FindObjective(own_objectives, journey, step);
}

query::MachineNow DescribeMachine(const Machine& machine, const Places& places,
                                  const std::vector<query::Objective>& own_objectives, Moment now,
                                  bool current) {
  query::MachineNow out;
  Place place = places.Of(machine.row.name, machine.site, machine.machine_class, now.wall_ms);
  out.machine = machine.row.name;
  out.site = std::move(place.site);
  out.site_name = std::move(place.site_name);
  out.machine_class = std::move(place.machine_class);
  out.os = machine.row.os;
  out.agent_version = machine.row.agent_version;
  out.state = machine.presence.state();
  out.since_ms = machine.presence.since_ms();
  out.last_seen_ms = machine.received_ms;
  const bool fresh = current && machine.Fresh(now);
  if (fresh) DescribeValues(machine, now, out);
  for (const ProbeSlots& slots : machine.roles.probes) {
    query::ProbeNow probe = DescribeProbe(slots, machine, fresh);
    if (const auto* objective =
            ObjectiveOf(places, own_objectives, slots.journey(), slots.step())) {
      probe.objective_seconds = objective->seconds;
    }
    out.probes.push_back(std::move(probe));
  }
  return out;
}

std::vector<query::MachineNow> DescribeMachines(const Fleet& fleet, const Places& places,
                                                const std::vector<query::Objective>& own_objectives,
                                                Moment now, bool current) {
  std::vector<query::MachineNow> machines;
  machines.reserve(fleet.machines().size());
  for (const auto& machine : fleet.machines()) {
    if (!machine->registered) continue;
    machines.push_back(DescribeMachine(*machine, places, own_objectives, now, current));
  }
  std::sort(machines.begin(), machines.end(),
            [](const query::MachineNow& a, const query::MachineNow& b) {
              return std::tie(a.site, a.machine) < std::tie(b.site, b.machine);
            });
  return machines;
}

}  // namespace haidang::collector
