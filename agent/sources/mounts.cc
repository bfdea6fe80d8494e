#include "agent/sources/mounts.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <unordered_set>

#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxLabelBytes = 512;

constexpr auto kNoStorage = std::to_array<std::string_view>(
    {"autofs",  "binfmt_misc", "bpf",        "cgroup",      "cgroup2",        "configfs",
     "debugfs", "devpts",      "devtmpfs",   "efivarfs",    "fusectl",        "hugetlbfs",
     "iso9660", "mqueue",      "nsfs",       "overlay",     "proc",           "procfs",
     "pstore",  "ramfs",       "rpc_pipefs", "securityfs",  "selinuxfs",      "squashfs",
     "sysfs",   "tracefs",     "fuse.lxcfs", "fuse.portal", "fuse.gvfsd-fuse"});

constexpr auto kNoStoragePlaces = std::to_array<std::string_view>(
    {"/dev", "/proc", "/run", "/sys", "/var/lib/docker/", "/var/lib/containers/storage/"});

constexpr auto kNetworkTypes =
    std::to_array<std::string_view>({"9p", "afs", "ceph", "cifs", "davfs", "gfs2", "glusterfs",
                                     "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"});

template <typename List>
bool Contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool IsNoStoragePlace(std::string_view point) {
  return std::any_of(kNoStoragePlaces.begin(), kNoStoragePlaces.end(), [&](std::string_view place) {
    if (!point.starts_with(place)) return false;
    return place.ends_with('/') ? point.size() > place.size()
                                : point.size() == place.size() || point[place.size()] == '/';
  });
}

// mountinfo writes blanks, tabs, line ends and backslashes as \ooo.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) { return text[i + at] >= '0' && text[i + at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && digit(1) && digit(2) && digit(3)) {
      const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool HasOption(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

struct Line {
  Mount mount;
  std::string_view number;  // major:minor
  std::string_view root;    // the directory of the file system that is mounted
  bool covered = false;     // by another mount at the same point
};

bool ParseLine(std::string_view text, Line& line) {
  TakeField(text);  // mount id
  TakeField(text);  // parent id
  line.number = TakeField(text);
  line.root = TakeField(text);
  line.mount.point = Unescape(TakeField(text));
  line.mount.mounted_read_only = HasOption(TakeField(text), "ro");
  for (std::string_view field = TakeField(text); field != "-"; field = TakeField(text)) {
    if (field.empty()) return false;
  }
  line.mount.type = TakeField(text);
  line.mount.device = Unescape(TakeField(text));
  line.mount.read_only = HasOption(TakeField(text), "ro");
  line.mount.network =
      Contains(kNetworkTypes, line.mount.type) || line.mount.type.starts_with("fuse");
  return !line.mount.type.empty() && line.mount.point.starts_with('/');
}

}  // namespace

Result<MountTable> ParseMounts(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const std::string_view row = TakeLine(text);
    if (row.empty()) continue;
    Line line;
    if (!ParseLine(row, line)) return Error{"a line does not describe a mount"};
    lines.push_back(std::move(line));
  }
  // Of mounts at one point the last covers the others.
  std::unordered_set<std::string_view> points;
  std::set<std::string_view> whole;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    line->covered = !points.insert(line->mount.point).second;
    if (!line->covered && line->root == "/") whole.insert(line->number);
  }
  MountTable table;
  for (Line& line : lines) {
    Mount& mount = line.mount;
    if (line.covered || Contains(kNoStorage, mount.type) || IsNoStoragePlace(mount.point)) continue;
    if (line.root != "/" && whole.contains(line.number)) continue;
    if (table.mounts.size() == kMaxMounts) {
      ++table.left_out;
      continue;
    }
    mount.device = ToUtf8(mount.device, kMaxLabelBytes);
    table.mounts.push_back(mount);
  }
  return table;
}

}  // namespace haidang::agent
