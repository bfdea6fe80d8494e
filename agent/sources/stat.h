#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"

// /proc/stat: CPU times and the time of boot.
namespace haidang::agent {

inline constexpr std::array<std::string_view, 8> kCpuModes = {"user",   "nice", "system",  "idle",
                                                              "iowait", "irq",  "softirq", "steal"};
inline constexpr double kTicksPerSecond = 100;  // USER_HZ, the same on every Linux

// What one CPU spent in each of kCpuModes, in 1/100 s since boot. Time of virtual machines is part
// of user and nice.
struct CpuTimes {
  uint64_t cpu = 0;  // the kernel's number; numbers of CPUs that are off are missing
  std::array<uint64_t, kCpuModes.size()> ticks{};
  std::array<uint64_t, 2> guest_ticks{};  // in virtual machines: of user, of nice
};

// Each logical CPU, without the line of their sum. Modes that an old kernel does not have are 0.
Result<std::vector<CpuTimes>> ParseCpuTimes(std::string_view text);

// Seconds since 1970-01-01 UTC; nothing where the text does not say.
std::optional<uint64_t> ParseBootTime(std::string_view text);

}  // namespace haidang::agent
