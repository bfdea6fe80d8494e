#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/result.h"

namespace haidang::agent {

// How many processes and threads a machine has.
struct ProcessCounts {
  uint64_t processes = 0;
  uint64_t threads = 0;
  std::map<char, uint64_t>
      by_state;  // 'R', 'S', 'D'… (proc(5)); those that are usual stand there with 0
};

// Looks at every process below `proc`, which ends in a slash. Those that end meanwhile are passed
// over. An Error where it cannot be read, or holds more than 100 000. May take long.
Result<ProcessCounts> CountProcesses(const std::string& proc);

}  // namespace haidang::agent
