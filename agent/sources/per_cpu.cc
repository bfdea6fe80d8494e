#include "agent/sources/per_cpu.h"

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxCpus = 8192;  // Linux' NR_CPUS

struct CountedMetric {
  std::string_view name;
  double per_second = 0;  // of a time: how many of the kernel's units; 0: a plain count
};

struct PerCpuFile {
  std::string_view source;
  std::string_view path;  // below the root
  Result<std::vector<CpuCounts>> (*parse)(std::string_view text);
  std::array<CountedMetric, 3> metrics;
};

constexpr PerCpuFile kSoftnet = {"softnet",
                                 "proc/net/softnet_stat",
                                 ParseSoftnet,
                                 {{{"node_softnet_processed_total"},
                                   {"node_softnet_dropped_total"},
                                   {"node_softnet_times_squeezed_total"}}}};
constexpr PerCpuFile kSchedstat = {"schedstat",
                                   "proc/schedstat",
                                   ParseSchedstat,
                                   {{{"node_schedstat_running_seconds_total", 1e9},
                                     {"node_schedstat_waiting_seconds_total", 1e9},
                                     {"node_schedstat_timeslices_total"}}}};

class PerCpuSource final : public Source {
 public:
  PerCpuSource(const std::string& root, const PerCpuFile& file, CpuOptions options)
      : path_(root + std::string(file.path)), file_(file), options_(options) {}

  std::string_view name() const override { return file_.source; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadOptionalFile(path_, 4U << 20);
    if (!text) return text.error();
    if (text->empty()) return {};
    const auto cpus = file_.parse(*text);
    if (!cpus) return Error{path_ + ": " + cpus.error().message};
    if (cpus->size() <= options_.per_core_up_to) {
      for (const CpuCounts& counts : *cpus) Report(std::to_string(counts.cpu), counts, readings);
      return {};
    }
    // The sum and not the mean, in which a few dropped packets would be lost.
    CpuCounts sum;
    for (const CpuCounts& counts : *cpus) {
      for (size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += counts.counts[i];
    }
    Report("all", sum, readings);
    return {};
  }

 private:
  void Report(const std::string& cpu, const CpuCounts& counts,
              std::vector<Reading>& readings) const {
    for (size_t i = 0; i < file_.metrics.size(); ++i) {
      const auto& [metric, per_second] = file_.metrics[i];
      if (per_second > 0) {
        Add(readings, metric, {{"cpu", cpu}}, static_cast<double>(counts.counts[i]) / per_second);
      } else {
        Add(readings, metric, {{"cpu", cpu}}, counts.counts[i]);
      }
    }
  }

  const std::string path_;
  const PerCpuFile& file_;
  const CpuOptions options_;
};

std::optional<uint64_t> ParseHex(std::string_view text) {
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number, 16);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<std::vector<CpuCounts>> ParseSoftnet(std::string_view text) {
  constexpr size_t kCpuField = 12;
  std::vector<CpuCounts> cpus;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    CpuCounts counts{cpus.size(), {}};
    size_t at = 0;
    for (std::string_view field = TakeField(line); !field.empty(); field = TakeField(line), ++at) {
      const auto number = ParseHex(field);
      if (!number) return Error{"a line is not of hexadecimal numbers"};
      if (at < counts.counts.size()) counts.counts[at] = *number;
      if (at == kCpuField) counts.cpu = *number;
    }
    if (at == 0) continue;
    if (at < counts.counts.size()) return Error{"a line holds less than three numbers"};
    if (cpus.size() == kMaxCpus) return Error{"names more than 8192 CPUs"};
    cpus.push_back(counts);
  }
  return cpus;
}

Result<std::vector<CpuCounts>> ParseSchedstat(std::string_view text) {
  constexpr size_t kBefore = 6;  // numbers of the scheduler's own
  std::vector<CpuCounts> cpus;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeField(line);
    if (!key.starts_with("cpu")) continue;
    const auto cpu = ParseUnsigned(key.substr(3));
    const auto numbers = TakeNumbers(line, kBefore + 3);
    if (!cpu || numbers.size() < kBefore + 3) {
      return Error{"the line of " + std::string(key.substr(0, 20)) + " does not hold nine numbers"};
    }
    if (cpus.size() == kMaxCpus) return Error{"names more than 8192 CPUs"};
    cpus.push_back({*cpu, {numbers[kBefore], numbers[kBefore + 1], numbers[kBefore + 2]}});
  }
  return cpus;
}

std::unique_ptr<Source> MakeSoftnetSource(const std::string& root, CpuOptions options) {
  return std::make_unique<PerCpuSource>(root, kSoftnet, options);
}

std::unique_ptr<Source> MakeSchedstatSource(const std::string& root, CpuOptions options) {
  return std::make_unique<PerCpuSource>(root, kSchedstat, options);
}

}  // namespace haidang::agent
