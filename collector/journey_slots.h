#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/roles.h"
#include "collector/series_table.h"
#include "collector/verdict/scene.h"

namespace haidang::collector {

// Where a machine's series stand from which verdicts on journeys are reached. Only machines that
// walk journeys, or are named as serving one, have them looked up.
struct JourneySlots {
  struct Step {
    std::string journey, step;
    uint32_t first = kNoSlot;  // the lowest
    uint32_t success = kNoSlot, duration = kNoSlot, reason = kNoSlot, runs = kNoSlot;
    uint32_t address = kNoSlot, depends_on = kNoSlot, status = kNoSlot;
    std::array<uint32_t, query::kStepPhases.size()> phases;
    Step() { phases.fill(kNoSlot); }
  };
  struct Path {
    verdict::Way way = verdict::Way::kHost;
    std::string target;
    uint32_t success = kNoSlot, rtt = kNoSlot, sent = kNoSlot, lost = kNoSlot, mtu = kNoSlot;
  };
  struct Name {
    std::string name;
    uint32_t success = kNoSlot, seconds = kNoSlot;
  };
  struct Item {  // a device, a check, a unit, a group of processes
    std::string name;
    uint32_t slot = kNoSlot;
  };
  std::vector<Step> steps;  // as they were declared
  std::vector<Item> walks;  // of each journey, by name: its steps in the order of the walk
  std::vector<Path> paths;
  std::vector<Name> names;
  std::vector<Item> disks;              // seconds that each has worked
  std::vector<Item> checks;             // 2: critical
  std::vector<Item> units;              // 1: failed
  std::vector<Item> processes;          // 0: none is running
  std::vector<uint32_t> errors;         // of network devices, counted
  std::vector<uint32_t> carrier_downs;  // counted
  uint32_t wait_cpu = kNoSlot, wait_memory = kNoSlot, wait_disk = kNoSlot;  // seconds

  static constexpr size_t kMaxItems = 2000;  // of each list
};

verdict::Way WayOf(std::string_view role);

JourneySlots FindJourneySlots(std::span<const SeriesDef* const> slots);

}  // namespace haidang::collector
