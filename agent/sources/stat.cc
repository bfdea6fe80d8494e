#include "agent/sources/stat.h"

#include <algorithm>
#include <string>

#include "agent/sources/text.h"

namespace haidang::agent {

Result<std::vector<CpuTimes>> ParseCpuTimes(std::string_view text) {
  constexpr size_t kMaxCpus = 8192;  // Linux' NR_CPUS
  constexpr size_t kGuestModes = std::tuple_size_v<decltype(CpuTimes::guest_ticks)>;
  std::vector<CpuTimes> cpus;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeField(line);
    if (!key.starts_with("cpu") || key == "cpu") continue;
    const auto number = ParseUnsigned(key.substr(3));
    const std::vector<uint64_t> ticks = TakeNumbers(line, kCpuModes.size() + kGuestModes);
    if (!number || ticks.size() < 4) {
      return Error{"the line of " + std::string(key.substr(0, 20)) + " is not one of CPU times"};
    }
    if (cpus.size() >= kMaxCpus) return Error{"names more than 8192 CPUs"};
    CpuTimes times{*number, {}, {}};
    const size_t modes = std::min(ticks.size(), kCpuModes.size());
    std::copy_n(ticks.begin(), modes, times.ticks.begin());
    std::copy(ticks.begin() + static_cast<std::ptrdiff_t>(modes), ticks.end(),
              times.guest_ticks.begin());
    cpus.push_back(times);
  }
  if (cpus.empty()) return Error{"names no CPU"};
  return cpus;
}

std::optional<uint64_t> ParseBootTime(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (TakeField(line) == "btime") return ParseUnsigned(TakeField(line));
  }
  return std::nullopt;
}

}  // namespace haidang::agent
