#include "agent/sources/walk.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace haidang::agent {
namespace {

using Segments = std::span<const std::string>;

constexpr std::string_view kAnyDepth = "**";

bool IsPlain(const std::string& segment) {
  return segment.find_first_of("*?[\\") == std::string::npos;
}

int64_t ModifiedNs(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

class Walk {
 public:
  Walk(const WalkBounds& bounds, const std::function<void(const FoundFile&)>& found)
      : bounds_(bounds), found_(found) {}

  // `directory` ends in a slash. Required: !left.empty().
  Status Run(const std::string& directory, Segments left, size_t depth) {
    if (depth > bounds_.depth) {
      return Error{directory + ": more than " + std::to_string(bounds_.depth) +
                   " directories below each other; name the directory more closely"};
    }
    const std::string& segment = left.front();
    if (segment != kAnyDepth && IsPlain(segment)) {
      return Enter(directory + segment, left.subspan(1), depth, true);
    }
    return List(directory, left, depth);
  }

 private:
  // A name that matched the segment before `left`.
  Status Enter(const std::string& path, Segments left, size_t depth, bool follow) {
    struct stat info {};
    if ((follow ? stat : lstat)(path.c_str(), &info) != 0) return {};  // gone, or a dead link
    if (left.empty()) {
      if (S_ISREG(info.st_mode)) {
        found_({path, static_cast<uint64_t>(info.st_size), ModifiedNs(info)});
      }
      return {};
    }
    return S_ISDIR(info.st_mode) ? Run(path + '/', left, depth + 1) : Status();
  }

  Status List(const std::string& directory, Segments left, size_t depth) {
    const bool any_depth = left.front() == kAnyDepth;
    // "**" may stand for no directory at all.
    if (any_depth) {
      if (const Status here = Run(directory, left.subspan(1), depth); !here) return here;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
    if (entries == nullptr) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      return Error{"cannot read " + directory + ": " + std::strerror(errno)};
    }
    while (const dirent* entry = readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++looked_at_ > bounds_.entries) {
        return Error{directory + ": more than " + std::to_string(bounds_.entries) +
                     " entries were looked at; name the files more closely"};
      }
      const Status entered = any_depth ? Descend(directory + name, name, left, depth)
                                       : Match(directory + name, name, left, depth);
      if (!entered) return entered;
    }
    return {};
  }

  Status Match(const std::string& path, const std::string& name, Segments left, size_t depth) {
    if (fnmatch(left.front().c_str(), name.c_str(), FNM_PERIOD) != 0) return {};
    return Enter(path, left.subspan(1), depth, true);
  }

  // One directory deeper, with the same "**".
  Status Descend(const std::string& path, const std::string& name, Segments left, size_t depth) {
    if (name.front() == '.') return {};
    return Enter(path, left, depth, false);
  }

  const WalkBounds& bounds_;
  const std::function<void(const FoundFile&)>& found_;
  size_t looked_at_ = 0;
};

}  // namespace

Result<std::vector<std::string>> ParsePattern(std::string_view pattern) {
  const auto wrong = [](const char* why) {
    return Error{std::string(why) + "; allowed: a path such as \"/var/backups/**/*.sql.gz\""};
  };
  if (!pattern.starts_with('/')) return wrong("does not begin with /");
  if (pattern.ends_with('/')) return wrong("ends in /, so it names no file");
  if (pattern.find('\0') != std::string_view::npos) return wrong("has a zero byte");
  std::vector<std::string> segments;
  bool has_any_depth = false;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const std::string segment(pattern.substr(0, pattern.find('/')));
    pattern.remove_prefix(segment.size());
    if (segment == "..") return wrong("names ..");
    if (segment.empty() || segment == ".") continue;
    // With two, one file could match in several ways.
    if (segment == kAnyDepth && std::exchange(has_any_depth, true)) return wrong("has ** twice");
    segments.push_back(segment);
  }
  if (segments.empty()) return wrong("names no file");
  if (segments.back() == kAnyDepth) segments.emplace_back("*");
  return segments;
}

Status WalkFiles(const std::string& root, const std::vector<std::string>& pattern,
                 const WalkBounds& bounds, const std::function<void(const FoundFile&)>& found) {
  return Walk(bounds, found).Run(root, pattern, 0);
}

}  // namespace haidang::agent
