#include "agent/sources/processes.h"

#include <dirent.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/sources.h"
#include "agent/sources/paced_source.h"
#include "agent/sources/process.h"
#include "agent/sources/sys_tree.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxProcesses = 100'000;

bool IsState(char state) {
  return (state >= 'A' && state <= 'Z') || (state >= 'a' && state <= 'z');
}

Result<std::vector<Reading>> LookAtProcesses(const std::string& proc) {
  const auto counts = CountProcesses(proc);
  if (!counts) return counts.error();
  std::vector<Reading> readings;
  // No process at all: no machine's /proc, as below the root of a fixture.
  if (counts->processes == 0) return readings;
  Add(readings, "node_processes_pids", {}, counts->processes);
  Add(readings, "node_processes_threads", {}, counts->threads);
  for (const auto& [state, count] : counts->by_state) {
    Add(readings, "node_processes_state", {{"state", std::string(1, state)}}, count);
  }
  const auto limit = [&](const char* file, const char* metric) {
    const auto number = ReadInteger(proc + "sys/kernel/" + file);
    if (number && *number >= 0) Add(readings, metric, {}, static_cast<uint64_t>(*number));
  };
  limit("pid_max", "node_processes_max_processes");
  limit("threads-max", "node_processes_max_threads");
  return readings;
}

}  // namespace

Result<ProcessCounts> CountProcesses(const std::string& proc) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(proc.c_str()), closedir);
  if (entries == nullptr) return Error{"cannot read " + proc + ": " + std::strerror(errno)};
  ProcessCounts counts;
  for (const char state : {'D', 'I', 'R', 'S', 'T', 'Z'}) counts.by_state[state] = 0;
  size_t seen = 0;
  while (const dirent* entry = readdir(entries.get())) {
    if (!ParseUnsigned(entry->d_name)) continue;
    if (++seen > kMaxProcesses) return Error{proc + ": more than 100000 processes"};
    const auto text = ReadSmallFile(proc + entry->d_name + "/stat", 4096);
    if (!text) continue;
    const auto stat = ParseProcessStat(*text);
    if (!stat || !IsState(stat->state)) continue;
    ++counts.processes;
    counts.threads += stat->threads;
    ++counts.by_state[stat->state];
  }
  return counts;
}

std::unique_ptr<Source> MakeProcessesSource(const std::string& root, Loop& loop,
                                            const Clock& clock) {
  return MakePacedSource("processes", loop, clock, 60s,
                         [proc = root + "proc/"] { return LookAtProcesses(proc); });
}

}  // namespace haidang::agent
