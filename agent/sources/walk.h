#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// Files by pattern.
namespace haidang::agent {

// What a pattern is made of: "/var/backups/**/*.sql.gz" is {"var", "backups", "**", "*.sql.gz"}. In
// a segment stand *, ? and [a-z] as in a shell, where hidden names are matched by hidden patterns
// alone; the segment ** is any number of directories, none too. An Error where it does not begin
// with "/", ends in one, names ".." or has ** twice.
Result<std::vector<std::string>> ParsePattern(std::string_view pattern);

struct WalkBounds {
  size_t entries = 200'000;  // of directories that are looked at
  size_t depth = 24;         // of directories below each other
};

// A regular file that matches, links followed.
struct FoundFile {
  std::string path;
  uint64_t size = 0;     // bytes
  int64_t mtime_ns = 0;  // since 1970
};

// Calls `found` for each file below `root` (which ends in a slash) that matches; ** does not follow
// links to directories. May block, so only on a worker. Directories and files that vanish meanwhile
// are passed over. An Error where a directory cannot be read or a bound was met: what was found
// until then is not all.
Status WalkFiles(const std::string& root, const std::vector<std::string>& pattern,
                 const WalkBounds& bounds, const std::function<void(const FoundFile&)>& found);

}  // namespace haidang::agent
