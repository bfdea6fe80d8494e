#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/series_table.h"
#include "collector/store/head.h"

namespace haidang::collector {

inline constexpr uint32_t kNoSlot = UINT32_MAX;

struct DiskSlots {
  const SeriesDef* def = nullptr;  // of any of the three: they share their labels
  uint32_t size = kNoSlot;
  uint32_t available = kNoSlot;
  uint32_t read_only = kNoSlot;
};

struct ProbeSlots {
  const SeriesDef* def = nullptr;  // of any of the four
  uint32_t success = kNoSlot;
  uint32_t duration = kNoSlot;
  uint32_t reason = kNoSlot;
  uint32_t runs = kNoSlot;
  std::string_view journey() const;
  std::string_view step() const;
};

// What tells who walks a journey, and what that costs.
struct WalkSlots {
  std::string_view journey;  // lives as long as the series table
  uint32_t shared = kNoSlot;
  uint32_t leased = kNoSlot;
  uint32_t interval = kNoSlot;
  uint32_t runs = kNoSlot;
  std::vector<uint32_t> requests;  // of each step
};

inline constexpr size_t kMaxWalks = 128;  // further journeys of a machine are not looked at

struct CheckSlots {
  const SeriesDef* def = nullptr;  // of any of the three
  uint32_t state = kNoSlot;
  uint32_t output = kNoSlot;
  uint32_t runs = kNoSlot;
  std::string_view name() const;
};

// Where a machine's series stand that the overview and the findings read: looked up once, when its
// series change, not for each value.
struct Roles {
  uint32_t load1 = kNoSlot;
  uint32_t memory_total = kNoSlot;
  uint32_t memory_available = kNoSlot;
  uint32_t boot_time = kNoSlot;
  uint32_t clock_offset = kNoSlot;
  uint32_t clock_error = kNoSlot;
  std::vector<uint32_t> cpu_idle;   // idle and iowait
  std::vector<uint32_t> cpu_other;  // every other mode
  int64_t cpus = 0;
  std::vector<DiskSlots> disks;
  std::vector<ProbeSlots> probes;  // by journey, then step
  std::vector<CheckSlots> checks;  // by name
  std::vector<WalkSlots> walks;    // by journey
};

Roles FindRoles(std::span<const SeriesDef* const> slots);

struct DiskNow {
  double used_ratio = 0;
  std::string mountpoint;
};

// The fullest file system that a person could care about: not read-only, not in memory, not tiny.
std::optional<DiskNow> FullestDisk(const Roles& roles, const store::Head& head);

// The share of time that the CPUs were busy between the last two batches.
class CpuMeter {
 public:
  // Call after each batch; `consecutive`: nothing is missing since the last call.
  void Update(const Roles& roles, const store::Head& head, bool consecutive);
  std::optional<double> busy_ratio() const { return busy_; }

 private:
  struct Sum {
    double seconds = 0;  // since boot
    size_t known = 0;    // of how many series
  };
  static Sum Add(const std::vector<uint32_t>& slots, const store::Head& head);

  Sum idle_, other_;
  std::optional<double> busy_;
};

}  // namespace haidang::collector
