#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// A mounted file system that is worth watching.
struct Mount {
  std::string device;
  std::string type;
  std::string point;
  bool read_only = false;          // the file system itself
  bool mounted_read_only = false;  // this mount of it, in the mount namespace that was read
  bool network = false;            // answers only while another machine does
};

inline constexpr size_t kMaxMounts = 256;

struct MountTable {
  std::vector<Mount> mounts;  // the first kMaxMounts of those that are worth watching
  size_t left_out = 0;        // how many more there are
};

// /proc/<pid>/mountinfo (proc(5)). Leaves out, as node_exporter does, what is no storage (proc,
// sysfs, overlay, squashfs…; below /dev, /proc, /run, /sys and containers' directories); further
// what another mount covers, and directories of a file system that is mounted whole elsewhere (bind
// mounts). Lines of another form are an Error.
Result<MountTable> ParseMounts(std::string_view text);

}  // namespace haidang::agent
