#include "agent/sources/process_groups.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/background.h"
#include "agent/sources/process_scan.h"
#include "agent/sources/stat.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxGroups = 64;  // bits of a process

double Seconds(uint64_t ticks) { return static_cast<double>(ticks) / kTicksPerSecond; }

class ProcessGroupsSource final : public Source {
 public:
  ProcessGroupsSource(const std::string& root, Loop& loop,
                      const std::vector<ProcessGroupOptions>& groups)
      : boot_path_(root + "proc/stat"),
        groups_(groups),
        scan_(loop, [scan = std::make_shared<ProcessScan>(root, groups)] { return scan->Run(); }) {}

  std::string_view name() const override { return "process_groups"; }
  void Prepare() override { scan_.Start(); }
  bool Ready() const override { return scan_.Ready(); }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto totals = scan_.Latest();
    if (!totals) return totals.error();
    ReadBootTime();
    for (size_t i = 0; i < groups_.size(); ++i) {
      Report({{"name", groups_[i].name}}, (*totals)[i], readings);
    }
    return {};
  }

 private:
  // Once: it would change when the clock steps.
  void ReadBootTime() {
    if (boot_seconds_) return;
    if (const auto text = ReadSmallFile(boot_path_)) boot_seconds_ = ParseBootTime(*text);
  }

  void Report(const Labels& labels, const GroupTotals& totals,
              std::vector<Reading>& readings) const {
    const auto cpu = [&](std::string_view mode, uint64_t ticks) {
      Labels with_mode = labels;
      with_mode.emplace("mode", mode);
      Add(readings, "haidang_process_cpu_seconds_total", std::move(with_mode), Seconds(ticks));
    };
    Add(readings, "haidang_processes", labels, totals.processes);
    cpu("system", totals.system_ticks);
    cpu("user", totals.user_ticks);
    if (totals.processes == 0) return;
    Add(readings, "haidang_process_threads", labels, totals.threads);
    Add(readings, "haidang_process_resident_memory_bytes", labels,
        totals.resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
    if (totals.open_files) Add(readings, "haidang_process_open_fds", labels, *totals.open_files);
    if (boot_seconds_ && totals.oldest_ticks) {
      Add(readings, "haidang_process_oldest_start_time_seconds", labels,
          static_cast<double>(*boot_seconds_) + Seconds(*totals.oldest_ticks));
    }
  }

  const std::string boot_path_;
  const std::vector<ProcessGroupOptions> groups_;
  Background<std::vector<GroupTotals>> scan_;
  std::optional<uint64_t> boot_seconds_;
};

}  // namespace

std::vector<ProcessGroupOptions> ReadProcessGroupOptions(ConfigTable& root) {
  constexpr size_t kMaxProgram = 15;  // what the kernel keeps of a program's name
  std::vector<ProcessGroupOptions> all;
  std::set<std::string> names;
  for (ConfigTable& table : root.Tables("process", kMaxGroups)) {
    ProcessGroupOptions one;
    one.name = table.RequiredString("name", 64);
    if (!one.name.empty() && !names.insert(one.name).second) {
      table.Fault("name", "there are two [[process]] of this name; allowed: each name once");
    }
    one.program = table.String("program", "", kMaxProgram);
    one.command = table.String("command", "");
    one.unit = table.String("unit", "", 256);
    if (one.program.empty() && one.command.empty() && one.unit.empty()) {
      table.Fault("program",
                  "is missing; allowed: program = \"java\", command = \"*catalina*\" or "
                  "unit = \"tomcat*.service\"");
    }
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> MakeProcessGroupsSource(const std::string& root, Loop& loop,
                                                const std::vector<ProcessGroupOptions>& groups) {
  return std::make_unique<ProcessGroupsSource>(root, loop, groups);
}

}  // namespace haidang::agent
