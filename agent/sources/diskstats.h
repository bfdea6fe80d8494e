#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// One whole disk of /proc/diskstats (kernel documentation: admin-guide/iostats).
struct DiskStats {
  std::string device;
  uint64_t reads = 0;         // completed
  uint64_t sectors_read = 0;  // of 512 bytes, whatever the disk's own sector is
  uint64_t read_ms = 0;
  uint64_t writes = 0;  // completed
  uint64_t sectors_written = 0;
  uint64_t write_ms = 0;
  uint64_t io_ms = 0;  // time with at least one request under way
  uint64_t weighted_io_ms = 0;
};

// Without partitions and devices that hold no data of their own (ram, loop, fd), as node_exporter
// leaves them out: ^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$.
bool IsIgnoredDisk(std::string_view device);

// Disks that are not ignored. A line of another form is an Error.
Result<std::vector<DiskStats>> ParseDiskstats(std::string_view text);

}  // namespace haidang::agent
