#include "agent/sources/process.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>

#include "agent/sources.h"
#include "agent/sources/stat.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

double Seconds(uint64_t ticks) { return static_cast<double>(ticks) / kTicksPerSecond; }

// The agent's own footprint.
class ProcessSource final : public Source {
 public:
  explicit ProcessSource(const std::string& root)
      : stat_path_(root + "proc/self/stat"),
        limits_path_(root + "proc/self/limits"),
        fds_path_(root + "proc/self/fd"),
        boot_path_(root + "proc/stat"),
        opened_by_counting_(root == "/" ? 1 : 0) {}

  std::string_view name() const override { return "process"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadSmallFile(stat_path_);
    if (!text) return text.error();
    const auto stat = ParseProcessStat(*text);
    if (!stat) return Error{stat_path_ + ": " + stat.error().message};
    Add(readings, "process_cpu_seconds_total", {}, Seconds(stat->user_ticks + stat->system_ticks));
    Add(readings, "process_resident_memory_bytes", {},
        stat->resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
    Add(readings, "process_virtual_memory_bytes", {}, stat->virtual_bytes);
    if (const auto fds = CountEntries(fds_path_)) {
      Add(readings, "process_open_fds", {}, *fds - std::min(*fds, opened_by_counting_));
    }
    ReadOnce(*stat);
    if (start_seconds_) Add(readings, "process_start_time_seconds", {}, *start_seconds_);
    if (max_fds_) Add(readings, "process_max_fds", {}, *max_fds_);
    if (max_virtual_bytes_) {
      Add(readings, "process_virtual_memory_max_bytes", {},
          static_cast<double>(*max_virtual_bytes_));
    }
    return {};
  }

 private:
  // What does not change while the process lives; the time of boot would, when the clock steps.
  void ReadOnce(const ProcessStat& stat) {
    if (once_) return;
    once_ = true;
    if (const auto text = ReadSmallFile(boot_path_)) {
      if (const auto boot = ParseBootTime(*text)) {
        start_seconds_ = static_cast<double>(*boot) + Seconds(stat.start_ticks);
      }
    }
    if (const auto text = ReadSmallFile(limits_path_)) {
      max_fds_ = ParseLimit(*text, "Max open files");
      max_virtual_bytes_ = ParseLimit(*text, "Max address space");
    }
  }

  std::string stat_path_;
  std::string limits_path_;
  std::string fds_path_;
  std::string boot_path_;
  uint64_t opened_by_counting_;  // the directory itself is one of the open files
  bool once_ = false;
  std::optional<double> start_seconds_;
  std::optional<uint64_t> max_fds_;
  std::optional<uint64_t> max_virtual_bytes_;
};

}  // namespace

std::optional<uint64_t> CountEntries(const std::string& path) {
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(dir);
  return count;
}

Result<ProcessStat> ParseProcessStat(std::string_view text) {
  // The program's name stands in brackets and may hold anything, brackets too.
  const size_t end = text.rfind(')');
  if (end == std::string_view::npos) return Error{"holds no program's name in brackets"};
  std::string_view rest = text.substr(end + 1);
  constexpr size_t kState = 3;  // the field after the name, numbered as in proc(5)
  constexpr size_t kLast = 24;
  ProcessStat stat;
  for (size_t field = kState; field <= kLast; ++field) {
    const std::string_view word = TakeField(rest);
    if (word.empty()) return Error{"has fewer than 24 fields"};
    if (field == kState) stat.state = word.front();
    uint64_t* target = field == 14   ? &stat.user_ticks
                       : field == 15 ? &stat.system_ticks
                       : field == 20 ? &stat.threads
                       : field == 22 ? &stat.start_ticks
                       : field == 23 ? &stat.virtual_bytes
                       : field == 24 ? &stat.resident_pages
                                     : nullptr;
    if (target == nullptr) continue;
    const auto number = ParseUnsigned(word);
    if (!number) return Error{"field " + std::to_string(field) + " is not a number"};
    *target = *number;
  }
  return stat;
}

std::optional<uint64_t> ParseLimit(std::string_view text, std::string_view limit) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (!line.starts_with(limit)) continue;
    line.remove_prefix(limit.size());
    const std::string_view soft = TakeField(line);
    return soft == "unlimited" ? UINT64_MAX : ParseUnsigned(soft);
  }
  return std::nullopt;
}

std::unique_ptr<Source> MakeProcessSource(const std::string& root) {
  return std::make_unique<ProcessSource>(root);
}

}  // namespace haidang::agent
