#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.h"

// What the kernel counts for each CPU beside its time: packets that it took, turns that it gave.
namespace haidang::agent {

struct CpuCounts {
  uint64_t cpu = 0;
  std::array<uint64_t, 3> counts{};
};

// /proc/net/softnet_stat: packets processed, packets dropped, times that it stopped with packets
// left. Old kernels do not say which CPU a line is of: then lines count from 0.
Result<std::vector<CpuCounts>> ParseSoftnet(std::string_view text);

// /proc/schedstat: nanoseconds that tasks ran, that they waited to run, and turns given to tasks.
Result<std::vector<CpuCounts>> ParseSchedstat(std::string_view text);

}  // namespace haidang::agent
