#include "agent/make_sources.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/child/runner.h"
#include "agent/path/path_source.h"
#include "agent/probe/probe_source.h"
#include "agent/sources/oom.h"

namespace haidang::agent {

Result<std::vector<std::unique_ptr<Source>>> MakeSources(const Options& options,
                                                         const SourceTools& tools) {
  std::vector<std::unique_ptr<Source>> sources;
  const auto on = [&](std::string_view name) {
    const auto& off = options.sources_off;
    return std::find(off.begin(), off.end(), name) == off.end();
  };
  const auto add = [&](std::string_view name, auto make) {
    if (on(name)) sources.push_back(make());
  };
  const std::string& root = tools.root;
  std::shared_ptr<ChildRunner> runner;  // made where somebody needs it
  const auto programs = [&] {
    if (runner == nullptr) {
      ChildRunnerOptions limits;
      limits.at_once = options.programs_at_once;
      runner = std::make_shared<ChildRunner>(tools.loop, tools.clock, limits);
    }
    return runner;
  };
  const CpuOptions cpu{.per_core_up_to = options.cpu_per_core_up_to};
  add("cpu", [&] { return MakeCpuSource(root, cpu); });
  add("schedstat", [&] { return MakeSchedstatSource(root, cpu); });
  add("cpufreq", [&] { return MakeCpufreqSource(root, tools.loop, tools.clock, cpu); });
  add("loadavg", [&] { return MakeLoadavgSource(root); });
  add("meminfo", [&] { return MakeMeminfoSource(root); });
  add("filesystem", [&] { return MakeFilesystemSource(root, tools.loop, StatFilesystemNow); });
  add("diskstats", [&] { return MakeDiskstatsSource(root); });
  add("netdev", [&] { return MakeNetdevSource(root); });
  add("netclass", [&] { return MakeNetclassSource(root, tools.loop, tools.clock); });
  add("netstat", [&] { return MakeNetstatSource(root); });
  add("sockstat", [&] { return MakeSockstatSource(root); });
  add("softnet", [&] { return MakeSoftnetSource(root, cpu); });
  add("arp", [&] { return MakeArpSource(root); });
  add("stat", [&] { return MakeStatSource(root); });
  add("vmstat", [&] { return MakeVmstatSource(root); });
  add("oom", [&] { return MakeOomSource(root); });
  add("pressure", [&] { return MakePressureSource(root); });
  add("filefd", [&] { return MakeFilefdSource(root); });
  add("conntrack", [&] { return MakeConntrackSource(root); });
  add("entropy", [&] { return MakeEntropySource(root); });
  add("time", [&] { return MakeTimeSource(root); });
  add("timex", [&] { return MakeTimexSource(); });
  add("host", [&] { return MakeHostSource(root); });
  add("hwmon", [&] { return MakeHwmonSource(root, tools.loop, tools.clock); });
  add("thermal_zone", [&] { return MakeThermalZoneSource(root, tools.loop, tools.clock); });
  add("power_supply", [&] { return MakePowerSupplySource(root, tools.loop, tools.clock); });
  add("edac", [&] { return MakeEdacSource(root, tools.loop, tools.clock); });
  add("mdadm", [&] { return MakeMdadmSource(root); });
  add("processes", [&] { return MakeProcessesSource(root, tools.loop, tools.clock); });
  add("process", [&] { return MakeProcessSource(root); });
  add("agent", [&] { return MakeAgentSource(tools.stats); });
  if (!options.textfile_directory.empty()) {
    add("textfile", [&] {
      return MakeTextfileSource(root + options.textfile_directory.substr(1), tools.loop,
                                tools.clock);
    });
  }
  add("services", [&] { return MakeServicesSource(root, tools.loop, options.services); });
  if (!options.files.empty()) {
    add("files", [&] { return MakeFilesSource(root, tools.loop, tools.clock, options.files); });
  }
  if (!options.certificates.empty()) {
    add("certificate",
        [&] { return MakeCertificateSource(root, tools.loop, tools.clock, options.certificates); });
  }
  if (!options.process_groups.empty()) {
    add("process_groups",
        [&] { return MakeProcessGroupsSource(root, tools.loop, options.process_groups); });
  }
  if (!options.plugins.empty()) {
    add("plugins", [&] {
      return MakePluginsSource(programs(), tools.clock, options.interval, options.plugins);
    });
  }
  if (WantsSmart(root, options.smart)) {
    add("smart",
        [&] { return MakeSmartSource(programs(), tools.clock, options.interval, options.smart); });
  }
  if (!options.access_logs.empty()) {
    add("access_log", [&] {
      return MakeAccessLogSource(root, tools.loop, tools.clock, options.access_logs,
                                 tools.state_directory);
    });
  }
  if (!options.exec_json.empty()) {
    add("exec_json", [&] {
      return MakeExecJsonSource(programs(), tools.clock, options.interval, options.exec_json);
    });
  }
  if (on("http_json") && !options.http_json.empty()) {
    auto source =
        MakeHttpJsonSource(tools.loop, tools.clock, options.interval, options.http_json, LookUpNow);
    if (!source) return source.error();
    sources.push_back(std::move(*source));
  }
  if (on("probe") && !(options.probes.empty() && options.journeys.empty())) {
    ProbeSourceOptions probing;
    probing.interval = options.interval;
    probing.machine = options.machine;
    probing.probes = options.probes;
    probing.journeys = options.journeys;
    probing.leases = tools.leases;
    auto probes = MakeProbeSource(tools.loop, tools.clock, std::move(probing), LookUpNow);
    if (!probes) return probes.error();
    sources.push_back(std::move(*probes));
  }
  if (options.path) {
    add("path", [&] {
      return MakePathSource(root, tools.loop, tools.clock, options.interval, *options.path,
                            LookUpNow);
    });
  }
  return sources;
}

}  // namespace haidang::agent
