#include <cstdint>
#include <string>
#include <vector>

#include "agent/sources.h"
#include "agent/sources/paced_source.h"
#include "agent/sources/sys_tree.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr double kHertzPerKilohertz = 1000;

struct Frequency {
  const char* file;
  std::string_view metric;
};
constexpr Frequency kFrequencies[] = {
    {"scaling_cur_freq", "node_cpu_scaling_frequency_hertz"},
    {"scaling_max_freq", "node_cpu_scaling_frequency_max_hertz"},
    {"scaling_min_freq", "node_cpu_scaling_frequency_min_hertz"},
};

// Frequencies of the processors, where the kernel may choose them; each of at most `per_core_up_to`
// processors, else the mean.
Result<std::vector<Reading>> LookAtFrequencies(const std::string& directory,
                                               size_t per_core_up_to) {
  constexpr std::string_view kCpu = "cpu";
  std::vector<std::string> cpus;
  for (std::string& entry : EntriesOf(directory, 8192 + 64)) {
    if (IsNumbered(entry, kCpu)) cpus.push_back(std::move(entry));
  }
  std::vector<Reading> readings;
  for (const auto& [file, metric] : kFrequencies) {
    double sum = 0;
    uint64_t count = 0;
    for (const std::string& cpu : cpus) {
      const auto khz = ReadInteger(directory + cpu + "/cpufreq/" + file);
      if (!khz || *khz < 0) continue;
      const double hertz = static_cast<double>(*khz) * kHertzPerKilohertz;
      sum += hertz;
      ++count;
      if (cpus.size() <= per_core_up_to) {
        Add(readings, metric, {{"cpu", cpu.substr(kCpu.size())}}, hertz);
      }
    }
    if (cpus.size() > per_core_up_to && count > 0) {
      Add(readings, metric, {{"cpu", "all"}}, sum / static_cast<double>(count));
    }
  }
  return readings;
}

// Mains and batteries: whether there is current, and how full they are.
Result<std::vector<Reading>> LookAtPowerSupplies(const std::string& directory) {
  std::vector<Reading> readings;
  for (const std::string& supply : EntriesOf(directory, 64)) {
    const auto tell = [&](const char* file, const char* metric) {
      const auto number = ReadInteger(directory + supply + "/" + file);
      if (!number || *number < 0) return;
      Add(readings, metric, {{"power_supply", ToUtf8(supply, 128)}},
          static_cast<uint64_t>(*number));
    };
    tell("online", "node_power_supply_online");
    tell("capacity", "node_power_supply_capacity");
  }
  return readings;
}

}  // namespace

std::unique_ptr<Source> MakeCpufreqSource(const std::string& root, Loop& loop, const Clock& clock,
                                          CpuOptions options) {
  return MakePacedSource("cpufreq", loop, clock, 60s,
                         [path = root + "sys/devices/system/cpu/", options] {
                           return LookAtFrequencies(path, options.per_core_up_to);
                         });
}

std::unique_ptr<Source> MakePowerSupplySource(const std::string& root, Loop& loop,
                                              const Clock& clock) {
  return MakePacedSource(
      "power_supply", loop, clock, 60s,
      [path = root + "sys/class/power_supply/"] { return LookAtPowerSupplies(path); });
}

}  // namespace haidang::agent
