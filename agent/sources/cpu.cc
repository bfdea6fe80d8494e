#include <map>

#include "agent/sources.h"
#include "agent/sources/stat.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

// The kernel's idle and iowait times at times go back a little, which rate() would take for a
// restart: such a value stays where it was. A larger step back is a CPU that came back.
constexpr uint64_t kSmallStepBack = 300;  // ticks

class CpuSource final : public Source {
 public:
  CpuSource(std::string root, CpuOptions options)
      : path_(std::move(root) + "proc/stat"), options_(options) {}

  std::string_view name() const override { return "cpu"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadSmallFile(path_);
    if (!text) return text.error();
    auto cpus = ParseCpuTimes(*text);
    if (!cpus) return Error{path_ + ": " + cpus.error().message};
    for (CpuTimes& times : *cpus) Steady(times);
    if (cpus->size() > options_.per_core_up_to) {
      Mean(*cpus, readings);
    } else {
      for (const CpuTimes& times : *cpus) PerCore(times, readings);
    }
    return {};
  }

 private:
  void Steady(CpuTimes& times) {
    const auto [entry, fresh] = last_.try_emplace(times.cpu, times.ticks);
    if (fresh) return;
    for (size_t mode = 0; mode < kCpuModes.size(); ++mode) {
      uint64_t& last = entry->second[mode];
      const uint64_t now = times.ticks[mode];
      if (now >= last || last - now > kSmallStepBack) last = now;
    }
    times.ticks = entry->second;
  }

  static void PerCore(const CpuTimes& times, std::vector<Reading>& readings) {
    for (size_t mode = 0; mode < kCpuModes.size(); ++mode) {
      Add(readings, "node_cpu_seconds_total",
          {{"cpu", std::to_string(times.cpu)}, {"mode", std::string(kCpuModes[mode])}},
          static_cast<double>(times.ticks[mode]) / kTicksPerSecond);
    }
    for (size_t mode = 0; mode < times.guest_ticks.size(); ++mode) {
      Add(readings, "node_cpu_guest_seconds_total",
          {{"cpu", std::to_string(times.cpu)}, {"mode", std::string(kCpuModes[mode])}},
          static_cast<double>(times.guest_ticks[mode]) / kTicksPerSecond);
    }
  }

  static void Mean(const std::vector<CpuTimes>& cpus, std::vector<Reading>& readings) {
    for (size_t mode = 0; mode < kCpuModes.size(); ++mode) {
      uint64_t sum = 0;
      for (const CpuTimes& times : cpus) sum += times.ticks[mode];
      // Whole ticks, so that a mode that stands still does not change its last digits.
      const uint64_t mean = sum / cpus.size();
      Add(readings, "node_cpu_seconds_total",
          {{"cpu", "all"}, {"mode", std::string(kCpuModes[mode])}},
          static_cast<double>(mean) / kTicksPerSecond);
    }
    for (size_t mode = 0; mode < std::tuple_size_v<decltype(CpuTimes::guest_ticks)>; ++mode) {
      uint64_t sum = 0;
      for (const CpuTimes& times : cpus) sum += times.guest_ticks[mode];
      const uint64_t mean = sum / cpus.size();
      Add(readings, "node_cpu_guest_seconds_total",
          {{"cpu", "all"}, {"mode", std::string(kCpuModes[mode])}},
          static_cast<double>(mean) / kTicksPerSecond);
    }
  }

  std::string path_;
  CpuOptions options_;
  std::map<uint64_t, std::array<uint64_t, kCpuModes.size()>> last_;
};

}  // namespace

std::unique_ptr<Source> MakeCpuSource(std::string root, CpuOptions options) {
  return std::make_unique<CpuSource>(std::move(root), options);
}

}  // namespace haidang::agent
