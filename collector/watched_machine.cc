#include "collector/watched_machine.h"

#include <algorithm>
#include <cmath>

namespace haidang::collector {
namespace {

constexpr int64_t kFailedBeforeMs = 10 * 60 * 1000;  // what failed earlier has no part in it
constexpr size_t kMaxFailed = 20;
constexpr double kFarOff = 3600;  // seconds

// Of all that are known; nothing where none is.
std::optional<double> Sum(const std::vector<uint32_t>& slots, const Head& head) {
  std::optional<double> sum;
  for (const uint32_t slot : slots) {
    if (const auto number = head.Number(slot)) sum = sum.value_or(0) + *number;
  }
  return sum;
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < text.size() && parts.size() < 32;) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

bool WatchedMachine::Follow(const Machine& machine) {
  if (looked_up_ && slots_version_ == machine.slots_version) return false;
  slots_ = FindJourneySlots(machine.slots);
  slots_version_ = machine.slots_version;
  looked_up_ = true;
  std::erase_if(steps, [this](const auto& entry) {
    return std::none_of(slots_.steps.begin(), slots_.steps.end(), [&](const auto& step) {
      return step.journey == entry.first.journey && step.step == entry.first.step;
    });
  });
  return true;
}

bool WatchedMachine::HasNewRun(const JourneySlots::Step& step, const Machine& machine,
                               bool& first) {
  StepRecord& record = steps[{step.journey, step.step}];
  record.known = machine.head.Number(step.success).has_value();
  if (!record.known) return false;
  const auto runs = machine.head.Number(step.runs);
  first = !record.seen;
  if (record.seen && runs && runs == record.runs) return false;
  record.seen = true;
  record.runs = runs;
  return true;
}

void WatchedMachine::Add(const JourneySlots::Step& step, const Machine& machine, const Asked& asked,
                         bool first, int64_t now_ms) {
  const Head& head = machine.head;
  verdict::Run run;
  run.success = head.Number(step.success).value_or(0) != 0;
  run.seconds = head.Number(step.duration);
  for (size_t i = 0; i < run.phases.size(); ++i) run.phases[i] = head.Number(step.phases[i]);
  if (!run.success) run.reason = head.Text(step.reason).value_or("");
  run.address = head.Text(step.address).value_or("");
  if (const auto status = head.Number(step.status); status && *status >= 0 && *status < 1000) {
    run.status = static_cast<int>(*status);
  }
  StepRecord& record = steps[{step.journey, step.step}];
  if (const auto text = head.Text(step.depends_on)) record.depends_on = SplitCommas(*text);
  verdict::StepTrack::Rule rule;
  rule.objective_seconds = asked.objective_seconds;
  rule.site_usual_seconds = asked.site_usual_seconds;
  rule.interval_ms = machine.row.interval_ms;
  rule.first = first;
  record.track.Add(std::move(run), rule, now_ms);
}

bool WatchedMachine::in_trouble() const {
  return std::any_of(steps.begin(), steps.end(),
                     [](const auto& entry) { return entry.second.track.bad(); });
}

void WatchedMachine::SeeRest(const Machine& machine, bool learn, int64_t now_ms) {
  const Head& head = machine.head;
  learn = learn && !in_trouble();
  for (const JourneySlots::Path& path : slots_.paths) {
    verdict::PathTrack::Reading reading;
    if (const auto success = head.Number(path.success)) reading.success = *success != 0;
    reading.rtt = head.Number(path.rtt);
    reading.sent = head.Number(path.sent);
    reading.lost = head.Number(path.lost);
    reading.mtu_problem = head.Number(path.mtu).value_or(0) != 0;
    paths_[{path.way, path.target}].See(reading, head.device_ms(), learn, now_ms);
  }
  for (const JourneySlots::Name& name : slots_.names) {
    std::optional<bool> success;
    if (const auto number = head.Number(name.success)) success = *number != 0;
    names_[name.name].See(success, head.Number(name.seconds), learn, now_ms);
  }
  SeeLoads(machine, learn, now_ms);
  SeeFailed(machine, now_ms);
}

void WatchedMachine::SeeLoads(const Machine& machine, bool learn, int64_t now_ms) {
  const Head& head = machine.head;
  const int64_t device_ms = head.device_ms();
  counters_.Add(device_ms, {Sum(machine.roles.cpu_idle, head), Sum(machine.roles.cpu_other, head),
                            head.Number(slots_.wait_cpu), head.Number(slots_.wait_memory),
                            head.Number(slots_.wait_disk)});
  for (const JourneySlots::Item& disk : slots_.disks) {
    disks_.try_emplace(disk.name, verdict::Counters<1>(kLoadMs))
        .first->second.Add(device_ms, {head.Number(disk.slot)});
  }
  errors_.Add(device_ms, {Sum(slots_.errors, head)});
  carrier_downs_.Add(device_ms, {Sum(slots_.carrier_downs, head)});
  if (!learn || now_ms - loads_learnt_ms_ < kLearnLoadMs) return;
  const verdict::Loads loads = LoadsNow(machine, nullptr);
  if (!loads[verdict::kCpu]) return;
  usual_loads_.Add(loads, now_ms);
  loads_learnt_ms_ = now_ms;
}

verdict::Loads WatchedMachine::LoadsNow(const Machine& machine, std::string* busiest) const {
  verdict::Loads loads;
  const auto idle = counters_.Rate(0), busy = counters_.Rate(1);
  if (idle && busy && *idle + *busy > 0) loads[verdict::kCpu] = *busy / (*idle + *busy);
  const auto total = machine.head.Number(machine.roles.memory_total);
  const auto available = machine.head.Number(machine.roles.memory_available);
  if (total && available && *total > 0) loads[verdict::kMemory] = 1 - *available / *total;
  loads[verdict::kWaitCpu] = counters_.Rate(2);
  loads[verdict::kWaitMemory] = counters_.Rate(3);
  loads[verdict::kWaitDisk] = counters_.Rate(4);
  for (const auto& [name, counters] : disks_) {
    const auto rate = counters.Rate(0);
    if (!rate || (loads[verdict::kDisk] && *loads[verdict::kDisk] >= *rate)) continue;
    loads[verdict::kDisk] = *rate;
    if (busiest != nullptr) *busiest = name;
  }
  for (auto& load : loads) {
    if (load) load = std::clamp(*load, 0.0, 1.0);
  }
  return loads;
}

void WatchedMachine::SeeFailed(const Machine& machine, int64_t now_ms) {
  const Head& head = machine.head;
  std::map<std::string, int64_t> failed;
  const auto see = [&](const std::vector<JourneySlots::Item>& items, double bad) {
    for (const JourneySlots::Item& item : items) {
      if (head.Number(item.slot) != bad) continue;
      const auto before = failed_.find(item.name);
      failed[item.name] = before != failed_.end() ? before->second : failed_seen_ ? now_ms : 0;
    }
  };
  see(slots_.checks, 2);
  see(slots_.units, 1);
  see(slots_.processes, 0);
  failed_ = std::move(failed);
  failed_seen_ = true;
}

void WatchedMachine::Describe(const Machine& machine, Moment now, int64_t trouble_since_ms,
                              verdict::MachineNow& out) const {
  out.machine = machine.row.name;
  out.state = machine.presence.state();
  out.state_since_ms = machine.presence.since_ms();
  out.fresh = machine.Fresh(now);
  out.interval_ms = machine.row.interval_ms;
  if (!out.fresh) return;
  out.loads = LoadsNow(machine, &out.disk);
  out.usual_loads = usual_loads_.now();
  out.clock_offset = machine.head.Number(machine.roles.clock_offset);
  out.clock_error = machine.head.Number(machine.roles.clock_error);
  // Until it has measured its clock, its batches tell when they were read.
  const double ahead = static_cast<double>(machine.head.device_ms() - machine.received_ms) / 1000;
  if (std::abs(ahead) > kFarOff) {
    out.clock_offset = ahead;
    out.clock_error = kFarOff / 2;
  }
  out.network_errors = errors_.Rate(0);
  out.carrier_lost = carrier_downs_.Grown(0).value_or(0) > 0;
  int64_t own_since_ms = 0;
  for (const auto& [key, record] : steps) {
    const int64_t since_ms = record.track.since_ms();
    if (since_ms > 0 && (own_since_ms == 0 || since_ms < own_since_ms)) own_since_ms = since_ms;
  }
  const int64_t device_since =
      own_since_ms > 0 ? machine.head.device_ms() - (now.wall_ms - own_since_ms) : 0;
  for (const auto& [key, track] : paths_) {
    verdict::PathNow& path = out.paths.emplace_back();
    path.way = key.first;
    path.target = key.second;
    track.Describe(device_since, path);
  }
  for (const auto& [key, track] : names_) {
    verdict::NameNow& name = out.names.emplace_back();
    name.name = key;
    track.Describe(name);
  }
  for (const auto& [name, since_ms] : failed_) {
    if (since_ms < trouble_since_ms - kFailedBeforeMs || since_ms == 0) continue;
    if (out.failed.size() < kMaxFailed) out.failed.push_back(name);
  }
}

}  // namespace haidang::collector
