#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// One whole disk of /proc/diskstats: its numbers in their order there (kernel documentation:
// admin-guide/iostats), 11 to 17 of them, by the kernel's age.
struct DiskStats {
  std::string device;
  std::vector<uint64_t> numbers;
};

// Without partitions and devices that hold no data of their own (ram, loop, fd), as node_exporter
// leaves them out: ^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$.
bool IsIgnoredDisk(std::string_view device);

// Disks that are not ignored. A line of another form is an Error.
Result<std::vector<DiskStats>> ParseDiskstats(std::string_view text);

}  // namespace haidang::agent
