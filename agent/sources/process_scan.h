#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/sources/process.h"
#include "agent/sources/process_groups.h"
#include "core/result.h"

namespace haidang::agent {

// What a group's processes are and have used.
struct GroupTotals {
  uint64_t processes = 0;
  uint64_t threads = 0;
  uint64_t resident_pages = 0;
  std::optional<uint64_t> open_files = 0;  // nothing: not all may be seen
  std::optional<uint64_t> oldest_ticks;    // 1/100 s after boot
  uint64_t user_ticks = 0;                 // 1/100 s, since the first scan
  uint64_t system_ticks = 0;
};

// One scan of /proc after the other; knows from the last one which process is in which group. Used
// by one thread at a time.
class ProcessScan {
 public:
  ProcessScan(const std::string& root, std::vector<ProcessGroupOptions> groups);

  // In the order of the groups. An Error where /proc cannot be read, or holds more than 100 000
  // processes. Processes that end meanwhile are passed over.
  Result<std::vector<GroupTotals>> Run();

 private:
  struct Known {
    uint64_t start_ticks = 0;
    std::string program;
    uint64_t groups = 0;  // bits
    uint64_t user_ticks = 0;
    uint64_t system_ticks = 0;
    bool seen = false;  // in this scan
  };

  void Look(uint64_t pid);
  uint64_t GroupsOf(uint64_t pid, const std::string& program) const;
  void Count(uint64_t pid, const ProcessStat& stat, const Known& known, uint64_t user_ticks,
             uint64_t system_ticks);

  const std::string proc_;  // ends in a slash
  const std::vector<ProcessGroupOptions> groups_;
  std::map<uint64_t, Known> known_;  // by pid
  std::vector<GroupTotals> totals_;
  bool first_ = true;
};

}  // namespace haidang::agent
