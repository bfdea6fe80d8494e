#include "agent/source_list.h"

#include <algorithm>
#include <string>
#include <vector>

namespace haidang::agent {
namespace {

constexpr SourceInfo kSources[] = {
    {"cpu", "/proc/stat", ""},
    {"schedstat", "/proc/schedstat", ""},
    {"cpufreq", "/sys/devices/system/cpu", ""},
    {"loadavg", "/proc/loadavg", ""},
    {"meminfo", "/proc/meminfo", ""},
    {"filesystem", "/proc/1/mountinfo, statvfs", ""},
    {"diskstats", "/proc/diskstats", ""},
    {"netdev", "/proc/net/dev", ""},
    {"netclass", "/sys/class/net", ""},
    {"netstat", "/proc/net/netstat, snmp, snmp6", ""},
    {"sockstat", "/proc/net/sockstat, sockstat6", ""},
    {"softnet", "/proc/net/softnet_stat", ""},
    {"arp", "/proc/net/arp", ""},
    {"stat", "/proc/stat", ""},
    {"vmstat", "/proc/vmstat", ""},
    {"oom", "/proc/vmstat, /dev/kmsg: events", ""},
    {"pressure", "/proc/pressure", ""},
    {"filefd", "/proc/sys/fs/file-nr", ""},
    {"conntrack", "/proc/sys/net/netfilter", ""},
    {"entropy", "/proc/sys/kernel/random", ""},
    {"time", "/proc/stat, the clock", ""},
    {"timex", "adjtimex", ""},
    {"host", "/proc/sys/kernel, os-release, DMI", ""},
    {"hwmon", "/sys/class/hwmon", ""},
    {"thermal_zone", "/sys/class/thermal", ""},
    {"power_supply", "/sys/class/power_supply", ""},
    {"edac", "/sys/devices/system/edac", ""},
    {"mdadm", "/proc/mdstat", ""},
    {"processes", "/proc/PID/stat of all processes", ""},
    {"process", "/proc/self", ""},
    {"agent", "the agent's own counters", ""},
    {"textfile", "*.prom files of other programs", "[textfile]"},
    {"services", "systemd's units, over D-Bus", ""},
    {"files", "files that must be there and be new", "[[files]]"},
    {"certificate", "certificates in files and on ports", "[[certificate]]"},
    {"process_groups", "/proc/PID of chosen processes", "[[process]]"},
    {"plugins", "monitoring plug-ins", "[[plugin]]"},
    {"smart", "disks, by smartctl", "[smart]"},
    {"access_log", "web servers' access logs", "[[access_log]]"},
    {"exec_json", "numbers in JSON from programs", "[[exec_json]]"},
    {"http_json", "numbers in JSON from web servers", "[[http_json]]"},
    {"probe", "web pages that are asked for", "[[probe]]"},
    {"path", "the ways out: echoes, name servers", "[path]"},
};

}  // namespace

std::span<const SourceInfo> AllSources() { return kSources; }

const SourceInfo* FindSource(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSources), std::end(kSources),
                                   [&](const SourceInfo& info) { return info.name == name; });
  return found != std::end(kSources) ? found : nullptr;
}

std::string_view SourceNames() {
  static const std::string all = [] {
    std::vector<std::string_view> names;
    for (const SourceInfo& info : kSources) names.push_back(info.name);
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string_view name : names) {
      if (!text.empty()) text += ", ";
      text += name;
    }
    return text;
  }();
  return all;
}

}  // namespace haidang::agent
