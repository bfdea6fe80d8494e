#include "collector/roles.h"

#include <algorithm>
#include <map>
#include <set>

namespace haidang::collector {
namespace {

constexpr double kTinyDisk = 64.0 * 1024 * 1024;  // bytes: firmware partitions and the like

std::string_view Label(const SeriesDef* def, std::string_view name) {
  if (def == nullptr) return {};
  const auto it = def->row.series.labels.find(name);
  return it == def->row.series.labels.end() ? std::string_view() : it->second;
}

bool InMemory(std::string_view fstype) {
  static constexpr std::string_view kTypes[] = {"tmpfs", "devtmpfs", "ramfs", "squashfs",
                                                "iso9660"};
  return std::find(std::begin(kTypes), std::end(kTypes), fstype) != std::end(kTypes);
}

class Finder {
 public:
  void See(uint32_t slot, const SeriesDef& def) {
    switch (def.role) {
      case Role::kNone:
        return;
      case Role::kLoad1:
        roles_.load1 = slot;
        return;
      case Role::kCpuIdle:
      case Role::kCpuOther:
        (def.role == Role::kCpuIdle ? roles_.cpu_idle : roles_.cpu_other).push_back(slot);
        cpus_.insert(Label(&def, "cpu"));
        return;
      case Role::kMemoryTotal:
        roles_.memory_total = slot;
        return;
      case Role::kMemoryAvailable:
        roles_.memory_available = slot;
        return;
      case Role::kDiskSize:
        Disk(def).size = slot;
        return;
      case Role::kDiskAvailable:
        Disk(def).available = slot;
        return;
      case Role::kDiskReadOnly:
        Disk(def).read_only = slot;
        return;
      case Role::kBootTime:
        roles_.boot_time = slot;
        return;
      case Role::kClockOffset:
        roles_.clock_offset = slot;
        return;
      case Role::kClockError:
        roles_.clock_error = slot;
        return;
      case Role::kProbeSuccess:
        Probe(def).success = slot;
        return;
      case Role::kProbeDuration:
        Probe(def).duration = slot;
        return;
      case Role::kProbeReason:
        Probe(def).reason = slot;
        return;
      case Role::kProbeRuns:
        Probe(def).runs = slot;
        return;
      case Role::kProbeRequests:
        if (WalkSlots* walk = Walk(def)) walk->requests.push_back(slot);
        return;
      case Role::kJourneyShared:
        if (WalkSlots* walk = Walk(def)) walk->shared = slot;
        return;
      case Role::kJourneyLeased:
        if (WalkSlots* walk = Walk(def)) walk->leased = slot;
        return;
      case Role::kJourneyInterval:
        if (WalkSlots* walk = Walk(def)) walk->interval = slot;
        return;
      case Role::kJourneyRuns:
        if (WalkSlots* walk = Walk(def)) walk->runs = slot;
        return;
      case Role::kCheckState:
        Check(def).state = slot;
        return;
      case Role::kCheckOutput:
        Check(def).output = slot;
        return;
      case Role::kCheckRuns:
        Check(def).runs = slot;
        return;
    }
  }

  Roles Take() {
    roles_.cpus = static_cast<int64_t>(cpus_.size());
    for (auto& [labels, disk] : disks_) roles_.disks.push_back(disk);
    for (auto& [key, probe] : probes_) roles_.probes.push_back(probe);
    for (auto& [name, check] : checks_) roles_.checks.push_back(check);
    for (auto& [journey, walk] : walks_) roles_.walks.push_back(std::move(walk));
    return std::move(roles_);
  }

 private:
  DiskSlots& Disk(const SeriesDef& def) {
    DiskSlots& disk = disks_[def.row.series.labels];
    disk.def = &def;
    return disk;
  }
  ProbeSlots& Probe(const SeriesDef& def) {
    ProbeSlots& probe = probes_[{Label(&def, "journey"), Label(&def, "step")}];
    probe.def = &def;
    return probe;
  }
  CheckSlots& Check(const SeriesDef& def) {
    CheckSlots& check = checks_[Label(&def, "name")];
    check.def = &def;
    return check;
  }

  // Null where it is one too many.
  WalkSlots* Walk(const SeriesDef& def) {
    const std::string_view journey = Label(&def, "journey");
    if (journey.empty()) return nullptr;
    const auto it = walks_.find(journey);
    if (it != walks_.end()) return &it->second;
    if (walks_.size() == kMaxWalks) return nullptr;
    WalkSlots& walk = walks_[journey];
    walk.journey = journey;
    return &walk;
  }

  Roles roles_;
  std::set<std::string_view> cpus_;
  std::map<Labels, DiskSlots> disks_;
  std::map<std::pair<std::string_view, std::string_view>, ProbeSlots> probes_;
  std::map<std::string_view, CheckSlots> checks_;
  std::map<std::string_view, WalkSlots> walks_;
};

}  // namespace

std::string_view ProbeSlots::journey() const { return Label(def, "journey"); }
std::string_view ProbeSlots::step() const { return Label(def, "step"); }
std::string_view CheckSlots::name() const { return Label(def, "name"); }

Roles FindRoles(std::span<const SeriesDef* const> slots) {
  Finder finder;
  for (uint32_t slot = 0; slot < slots.size(); ++slot) finder.See(slot, *slots[slot]);
  return finder.Take();
}

std::optional<DiskNow> FullestDisk(const Roles& roles, const store::Head& head) {
  std::optional<DiskNow> fullest;
  for (const DiskSlots& disk : roles.disks) {
    const auto size = head.Number(disk.size);
    const auto available = head.Number(disk.available);
    if (!size || !available || *size < kTinyDisk) continue;
    if (head.Number(disk.read_only).value_or(0) != 0) continue;
    if (InMemory(Label(disk.def, "fstype"))) continue;
    const double used = std::clamp(1 - *available / *size, 0.0, 1.0);
    if (fullest && fullest->used_ratio >= used) continue;
    fullest = DiskNow{used, std::string(Label(disk.def, "mountpoint"))};
  }
  return fullest;
}

CpuMeter::Sum CpuMeter::Add(const std::vector<uint32_t>& slots, const store::Head& head) {
  Sum sum;
  for (const uint32_t slot : slots) {
    const auto number = head.Number(slot);
    if (!number) continue;  // a CPU that was taken offline
    sum.seconds += *number;
    ++sum.known;
  }
  return sum;
}

void CpuMeter::Update(const Roles& roles, const store::Head& head, bool consecutive) {
  if (roles.cpu_idle.empty()) return;
  const Sum idle = Add(roles.cpu_idle, head), other = Add(roles.cpu_other, head);
  // Sums over other series than the last time say nothing.
  const bool comparable = consecutive && idle.known > 0 && other.known > 0 &&
                          idle.known == idle_.known && other.known == other_.known;
  const double idle_for = idle.seconds - idle_.seconds;
  const double busy_for = other.seconds - other_.seconds;
  busy_.reset();
  if (comparable && idle_for >= 0 && busy_for >= 0 && idle_for + busy_for > 0) {
    busy_ = busy_for / (idle_for + busy_for);
  }
  idle_ = idle;
  other_ = other;
}

}  // namespace haidang::collector
