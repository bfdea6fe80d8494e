#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/sample.h"

namespace haidang::agent {

// What one source read at one tick.
struct GroupReading {
  std::string group;  // the source's name
  bool ok = true;     // false: the source failed; `readings` is empty
  std::vector<Reading> readings;
};

// Everything that was read at one tick. A value.
struct Tick {
  int64_t wall_ms = 0;  // the grid's time, machine's clock
  int64_t since_boot_ms = 0;
  std::vector<GroupReading> groups;
  std::vector<Event> events;
};

}  // namespace haidang::agent
