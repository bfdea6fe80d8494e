#include "agent/sources/kernel.h"

#include <algorithm>
#include <span>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

struct Field {
  std::string_view key;
  std::string_view metric;
};

// Lines of a key and a number; those of `fields` alone.
Status ParseFields(std::string_view text, std::span<const Field> fields,
                   std::vector<Reading>& readings) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeField(line);
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& one) { return one.key == key; });
    if (field == fields.end()) continue;
    const auto number = ParseUnsigned(TakeField(line));
    if (!number) return Error{"what follows " + std::string(key) + " is no number"};
    Add(readings, field->metric, {}, *number);
  }
  return {};
}

// The whole file is one number.
Status ParseNumber(std::string_view text, std::string_view metric, std::vector<Reading>& readings) {
  const auto number = ParseUnsigned(TakeField(text = TakeLine(text)));
  if (!number) return Error{"is no number"};
  Add(readings, metric, {}, *number);
  return {};
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345": microseconds since boot in which some, or
// all, tasks that wanted to run waited.
Status ParsePressure(std::string_view text, std::string_view some, std::string_view full,
                     std::vector<Reading>& readings) {
  constexpr std::string_view kTotal = "total=";
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view kind = TakeField(line);
    const std::string_view metric = kind == "some" ? some : kind == "full" ? full : "";
    if (metric.empty()) continue;
    std::string_view total;
    for (std::string_view field = TakeField(line); !field.empty(); field = TakeField(line)) {
      if (field.starts_with(kTotal)) total = field.substr(kTotal.size());
    }
    const auto us = ParseUnsigned(total);
    if (!us) return Error{"does not say how long tasks waited (total=)"};
    Add(readings, metric, {}, static_cast<double>(*us) / 1e6);
  }
  return {};
}

}  // namespace

Status ParseStatCounters(std::string_view text, std::vector<Reading>& readings) {
  constexpr Field kFields[] = {
      {"intr", "node_intr_total"},
      {"ctxt", "node_context_switches_total"},
      {"processes", "node_forks_total"},
      {"procs_running", "node_procs_running"},
      {"procs_blocked", "node_procs_blocked"},
  };
  return ParseFields(text, kFields, readings);
}

Status ParseVmstat(std::string_view text, std::vector<Reading>& readings) {
  constexpr Field kFields[] = {
      {"pgpgin", "node_vmstat_pgpgin"},     {"pgpgout", "node_vmstat_pgpgout"},
      {"pswpin", "node_vmstat_pswpin"},     {"pswpout", "node_vmstat_pswpout"},
      {"pgfault", "node_vmstat_pgfault"},   {"pgmajfault", "node_vmstat_pgmajfault"},
      {"oom_kill", "node_vmstat_oom_kill"},
  };
  return ParseFields(text, kFields, readings);
}

Status ParseCpuPressure(std::string_view text, std::vector<Reading>& readings) {
  return ParsePressure(text, "node_pressure_cpu_waiting_seconds_total", "", readings);
}

Status ParseIoPressure(std::string_view text, std::vector<Reading>& readings) {
  return ParsePressure(text, "node_pressure_io_waiting_seconds_total",
                       "node_pressure_io_stalled_seconds_total", readings);
}

Status ParseMemoryPressure(std::string_view text, std::vector<Reading>& readings) {
  return ParsePressure(text, "node_pressure_memory_waiting_seconds_total",
                       "node_pressure_memory_stalled_seconds_total", readings);
}

Status ParseFileNr(std::string_view text, std::vector<Reading>& readings) {
  std::string_view line = TakeLine(text);
  const auto numbers = TakeNumbers(line, 3);
  if (numbers.size() < 3) return Error{"does not hold three numbers"};
  Add(readings, "node_filefd_allocated", {}, numbers[0]);
  Add(readings, "node_filefd_maximum", {}, numbers[2]);
  return {};
}

Status ParseEntropyAvailable(std::string_view text, std::vector<Reading>& readings) {
  return ParseNumber(text, "node_entropy_available_bits", readings);
}

Status ParseEntropyPoolSize(std::string_view text, std::vector<Reading>& readings) {
  return ParseNumber(text, "node_entropy_pool_size_bits", readings);
}

Status ParseConntrackCount(std::string_view text, std::vector<Reading>& readings) {
  return ParseNumber(text, "node_nf_conntrack_entries", readings);
}

Status ParseConntrackMax(std::string_view text, std::vector<Reading>& readings) {
  return ParseNumber(text, "node_nf_conntrack_entries_limit", readings);
}

std::unique_ptr<Source> MakeStatSource(const std::string& root) {
  return MakeFileSource("stat", {{root + "proc/stat", ParseStatCounters}});
}

std::unique_ptr<Source> MakeVmstatSource(const std::string& root) {
  return MakeFileSource("vmstat", {{root + "proc/vmstat", ParseVmstat}});
}

std::unique_ptr<Source> MakePressureSource(const std::string& root) {
  return MakeFileSource("pressure", {{root + "proc/pressure/cpu", ParseCpuPressure},
                                     {root + "proc/pressure/io", ParseIoPressure},
                                     {root + "proc/pressure/memory", ParseMemoryPressure}});
}

std::unique_ptr<Source> MakeFilefdSource(const std::string& root) {
  return MakeFileSource("filefd", {{root + "proc/sys/fs/file-nr", ParseFileNr}});
}

std::unique_ptr<Source> MakeEntropySource(const std::string& root) {
  const std::string random = root + "proc/sys/kernel/random/";
  return MakeFileSource("entropy", {{random + "entropy_avail", ParseEntropyAvailable},
                                    {random + "poolsize", ParseEntropyPoolSize}});
}

std::unique_ptr<Source> MakeConntrackSource(const std::string& root) {
  const std::string netfilter = root + "proc/sys/net/netfilter/";
  return MakeFileSource("conntrack", {{netfilter + "nf_conntrack_count", ParseConntrackCount},
                                      {netfilter + "nf_conntrack_max", ParseConntrackMax}});
}

}  // namespace haidang::agent
