#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// What /proc/<pid>/stat says of a process (proc(5)).
struct ProcessStat {
  char state = 0;             // 'R', 'S'…
  uint64_t user_ticks = 0;    // 1/100 s
  uint64_t system_ticks = 0;  // 1/100 s
  uint64_t threads = 0;
  uint64_t start_ticks = 0;  // 1/100 s after boot
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
};

Result<ProcessStat> ParseProcessStat(std::string_view text);

// A soft limit in /proc/<pid>/limits, "Max open files"; UINT64_MAX where it is unlimited, nothing
// where it is not told.
std::optional<uint64_t> ParseLimit(std::string_view text, std::string_view limit);

// Entries of a directory (open files: /proc/<pid>/fd); nothing where it cannot be read.
std::optional<uint64_t> CountEntries(const std::string& path);

}  // namespace haidang::agent
