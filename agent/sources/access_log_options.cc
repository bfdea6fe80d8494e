#include <set>
#include <utility>

#include "agent/sources/access_log.h"
#include "agent/sources/walk.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxLogs = 16;     // [[access_log]]
constexpr size_t kMaxGroups = 32;   // a log
constexpr size_t kMaxVolumes = 16;  // a log
constexpr size_t kMaxPaths = 32;    // a rule
constexpr size_t kMaxPath = 256;    // bytes

std::vector<std::string> ReadPaths(ConfigTable& table) {
  std::vector<std::string> paths = table.Strings("paths", {}, kMaxPaths);
  bool good = !paths.empty();
  for (const std::string& path : paths) {
    good = good && path.size() <= kMaxPath && (path.starts_with('/') || path.starts_with('*'));
  }
  if (!good) {
    table.Fault("paths",
                "are no patterns of addresses; allowed: at least one such as \"/tra-cuu/*\", of at "
                "most 256 bytes");
  }
  return paths;
}

std::vector<UrlGroup> ReadGroups(ConfigTable& log) {
  std::vector<UrlGroup> groups;
  std::set<std::string> names = {"other"};
  for (ConfigTable& table : log.Tables("group", kMaxGroups)) {
    UrlGroup group;
    group.name = table.RequiredString("name", 64);
    if (!group.name.empty() && !names.insert(group.name).second) {
      table.Fault("name", "there is such a group already; allowed: each name once, not \"other\"");
    }
    group.paths = ReadPaths(table);
    table.Finish();
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<VolumeRule> ReadVolumes(ConfigTable& log) {
  std::vector<VolumeRule> volumes;
  std::set<std::pair<std::string, std::string>> seen;
  for (ConfigTable& table : log.Tables("volume", kMaxVolumes)) {
    VolumeRule rule;
    rule.system = table.RequiredString("system", 64);
    rule.kind = table.RequiredString("kind", 64);
    if (!seen.emplace(rule.system, rule.kind).second) {
      table.Fault("kind",
                  "there is such a volume already; allowed: each pair of system and kind "
                  "once in a log");
    }
    rule.paths = ReadPaths(table);
    rule.methods = table.Strings("methods", {}, kMethods.size());
    table.Finish();
    volumes.push_back(std::move(rule));
  }
  return volumes;
}

}  // namespace

std::vector<AccessLogOptions> ReadAccessLogOptions(ConfigTable& root) {
  std::vector<AccessLogOptions> logs;
  std::set<std::string> names;
  for (ConfigTable& table : root.Tables("access_log", kMaxLogs)) {
    AccessLogOptions log;
    log.name = table.RequiredString("name", 64);
    if (!log.name.empty() && !names.insert(log.name).second) {
      table.Fault("name", "there are two [[access_log]] of this name; allowed: each name once");
    }
    if (const std::string path = table.RequiredString("path"); !path.empty()) {
      if (auto pattern = ParsePattern(path)) {
        log.pattern = std::move(*pattern);
      } else {
        table.Fault("path", pattern.error().message);
      }
    }
    const std::string unit = table.OneOf("latency_unit", "auto", {"auto", "s", "ms", "us"});
    if (auto format = AccessFormat::Make(table.String("format", "combined"), unit)) {
      log.format = std::move(*format);
    } else {
      table.Fault("format", format.error().message);
    }
    log.groups = ReadGroups(table);
    log.volumes = ReadVolumes(table);
    table.Finish();
    logs.push_back(std::move(log));
  }
  return logs;
}

}  // namespace haidang::agent
