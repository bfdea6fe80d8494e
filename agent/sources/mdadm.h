#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// One software RAID of /proc/mdstat.
struct MdRaid {
  std::string device;           // "md0"
  std::string state;            // "active", "inactive", "recovering", "resync", "check"
  uint64_t disks_required = 0;  // of [4/3]
  uint64_t disks_active = 0;
  uint64_t disks_failed = 0;   // (F)
  uint64_t disks_spare = 0;    // (S)
  uint64_t blocks = 0;         // of 1 KiB
  uint64_t blocks_synced = 0;  // all of them where nothing is under way
};

Result<std::vector<MdRaid>> ParseMdstat(std::string_view text);

}  // namespace haidang::agent
