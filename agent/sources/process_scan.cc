#include "agent/sources/process_scan.h"

#include <dirent.h>
#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxProcesses = 100'000;
constexpr size_t kMaxCommandBytes = 64 << 10;

bool Matches(const std::string& pattern, const std::string& text) {
  return pattern.empty() || fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

// Arguments end in zero bytes.
std::string JoinArguments(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

// The beginning of a file of any size; empty where it cannot be read.
std::string ReadBeginning(const std::string& path, size_t max_bytes) {
  std::string text(max_bytes, '\0');
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"), fclose);
  text.resize(file == nullptr ? 0 : fread(text.data(), 1, text.size(), file.get()));
  return text;
}

}  // namespace

std::string_view UnitOf(std::string_view cgroup) {
  while (!cgroup.empty()) {
    std::string_view line = TakeLine(cgroup);
    for (size_t slash = line.rfind('/'); slash != std::string_view::npos; slash = line.rfind('/')) {
      const std::string_view part = line.substr(slash + 1);
      if (part.ends_with(".service") || part.ends_with(".scope")) return part;
      line = line.substr(0, slash);
    }
  }
  return {};
}

ProcessScan::ProcessScan(const std::string& root, std::vector<ProcessGroupOptions> groups)
    : proc_(root + "proc/"), groups_(std::move(groups)), totals_(groups_.size()) {}

Result<std::vector<GroupTotals>> ProcessScan::Run() {
  for (GroupTotals& totals : totals_) {
    const GroupTotals before = std::exchange(totals, {});
    totals.user_ticks = before.user_ticks;
    totals.system_ticks = before.system_ticks;
  }
  for (auto& [pid, known] : known_) known.seen = false;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(proc_.c_str()), closedir);
  if (entries == nullptr) return Error{"cannot read " + proc_ + ": " + std::strerror(errno)};
  size_t processes = 0;
  while (const dirent* entry = readdir(entries.get())) {
    const auto pid = ParseUnsigned(entry->d_name);
    if (!pid) continue;
    if (++processes > kMaxProcesses) return Error{proc_ + ": more than 100000 processes"};
    Look(*pid);
  }
  std::erase_if(known_, [](const auto& one) { return !one.second.seen; });
  first_ = false;
  return totals_;
}

void ProcessScan::Look(uint64_t pid) {
  const auto text = ReadSmallFile(proc_ + std::to_string(pid) + "/stat", 4096);
  if (!text) return;
  const auto stat = ParseProcessStat(*text);
  const size_t open = text->find('(');
  const size_t close = text->rfind(')');
  if (!stat || open == std::string::npos || close < open) return;
  const std::string program = text->substr(open + 1, close - open - 1);

  const auto [at, fresh] = known_.try_emplace(pid);
  Known& known = at->second;
  const bool another = fresh || known.start_ticks != stat->start_ticks;
  if (another) {
    known = {};
    known.start_ticks = stat->start_ticks;
    // What it used before the first scan is not counted.
    known.user_ticks = first_ ? stat->user_ticks : 0;
    known.system_ticks = first_ ? stat->system_ticks : 0;
  }
  // A process that begins to run another program gets the name of that one.
  if (another || known.program != program) {
    known.program = program;
    known.groups = GroupsOf(pid, program);
  }
  known.seen = true;
  const uint64_t user = stat->user_ticks - std::min(stat->user_ticks, known.user_ticks);
  const uint64_t system = stat->system_ticks - std::min(stat->system_ticks, known.system_ticks);
  known.user_ticks = stat->user_ticks;
  known.system_ticks = stat->system_ticks;
  if (known.groups != 0) Count(pid, *stat, known, user, system);
}

uint64_t ProcessScan::GroupsOf(uint64_t pid, const std::string& program) const {
  const std::string directory = proc_ + std::to_string(pid);
  std::optional<std::string> command, unit;
  uint64_t bits = 0;
  for (size_t i = 0; i < groups_.size(); ++i) {
    const ProcessGroupOptions& group = groups_[i];
    if (!Matches(group.program, program)) continue;
    if (!group.command.empty()) {
      if (!command) {
        command = JoinArguments(ReadBeginning(directory + "/cmdline", kMaxCommandBytes));
      }
      if (!Matches(group.command, *command)) continue;
    }
    if (!group.unit.empty()) {
      if (!unit) unit = UnitOf(ReadBeginning(directory + "/cgroup", 4096));
      if (!Matches(group.unit, *unit)) continue;
    }
    bits |= uint64_t{1} << i;
  }
  return bits;
}

void ProcessScan::Count(uint64_t pid, const ProcessStat& stat, const Known& known,
                        uint64_t user_ticks, uint64_t system_ticks) {
  const auto files = CountEntries(proc_ + std::to_string(pid) + "/fd");
  for (size_t i = 0; i < groups_.size(); ++i) {
    if ((known.groups >> i & 1) == 0) continue;
    GroupTotals& totals = totals_[i];
    ++totals.processes;
    totals.threads += stat.threads;
    totals.resident_pages += stat.resident_pages;
    totals.user_ticks += user_ticks;
    totals.system_ticks += system_ticks;
    totals.open_files =
        totals.open_files && files ? std::optional(*totals.open_files + *files) : std::nullopt;
    totals.oldest_ticks = std::min(totals.oldest_ticks.value_or(UINT64_MAX), stat.start_ticks);
  }
}

}  // namespace haidang::agent
