#include "agent/sources/diskstats.h"

#include <cctype>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr uint64_t kSectorBytes = 512;

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view WithoutDigits(std::string_view text) {
  while (!text.empty() && IsDigit(text.back())) text.remove_suffix(1);
  return text;
}

struct Counter {
  std::string_view metric;
  size_t at;     // in DiskStats::numbers
  double parts;  // of them make a second; 0: a count as it is
};
constexpr double kMs = 1000;
constexpr Counter kCounters[] = {
    {"node_disk_reads_completed_total", 0, 0},
    {"node_disk_reads_merged_total", 1, 0},
    {"node_disk_read_time_seconds_total", 3, kMs},
    {"node_disk_writes_completed_total", 4, 0},
    {"node_disk_writes_merged_total", 5, 0},
    {"node_disk_write_time_seconds_total", 7, kMs},
    {"node_disk_io_now", 8, 0},
    {"node_disk_io_time_seconds_total", 9, kMs},
    {"node_disk_io_time_weighted_seconds_total", 10, kMs},
    {"node_disk_discards_completed_total", 11, 0},
    {"node_disk_discards_merged_total", 12, 0},
    {"node_disk_discarded_sectors_total", 13, 0},
    {"node_disk_discard_time_seconds_total", 14, kMs},
    {"node_disk_flush_requests_total", 15, 0},
    {"node_disk_flush_requests_time_seconds_total", 16, kMs},
};

class DiskstatsSource final : public Source {
 public:
  explicit DiskstatsSource(std::string root) : path_(std::move(root) + "proc/diskstats") {}

  std::string_view name() const override { return "diskstats"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadOptionalFile(path_);
    if (!text) return text.error();
    const auto disks = ParseDiskstats(*text);
    if (!disks) return Error{path_ + ": " + disks.error().message};
    for (const DiskStats& disk : *disks) Report(disk, readings);
    return {};
  }

 private:
  static void Report(const DiskStats& disk, std::vector<Reading>& readings) {
    const Labels labels = {{"device", disk.device}};
    const auto& n = disk.numbers;
    Add(readings, "node_disk_read_bytes_total", labels, n[2] * kSectorBytes);
    Add(readings, "node_disk_written_bytes_total", labels, n[6] * kSectorBytes);
    for (const Counter& counter : kCounters) {
      if (counter.at >= n.size()) continue;
      const uint64_t number = n[counter.at];
      Add(readings, counter.metric, labels,
          counter.parts == 0 ? Value(number) : Value(static_cast<double>(number) / counter.parts));
    }
  }

  std::string path_;
};

}  // namespace

bool IsIgnoredDisk(std::string_view device) {
  std::string_view base = WithoutDigits(device);
  if (base.size() == device.size()) return false;
  if (base == "ram" || base == "loop" || base == "fd") return true;
  for (const std::string_view kind : {"hd", "sd", "vd", "xvd"}) {
    if (base.size() == kind.size() + 1 && base.starts_with(kind) &&
        std::islower(static_cast<unsigned char>(base.back())) != 0) {
      return true;
    }
  }
  if (!base.starts_with("nvme") || !base.ends_with('p')) return false;
  base.remove_suffix(1);
  const std::string_view controller = WithoutDigits(base);
  if (controller.size() == base.size() || !controller.ends_with('n')) return false;
  const std::string_view before = controller.substr(0, controller.size() - 1);
  return WithoutDigits(before) == "nvme" && before.size() > 4;
}

Result<std::vector<DiskStats>> ParseDiskstats(std::string_view text) {
  constexpr size_t kMaxDisks = 512;
  std::vector<DiskStats> disks;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    std::string_view rest = line;
    if (TakeField(rest).empty()) continue;
    TakeField(rest);  // minor
    const std::string_view device = TakeField(rest);
    std::vector<uint64_t> n = TakeNumbers(rest, 17);
    // Before Linux 2.6.25 partitions had four numbers only; they are no disks.
    if (!device.empty() && n.size() == 4) continue;
    if (device.empty() || n.size() < 11) return Error{"a line does not hold a disk's numbers"};
    if (IsIgnoredDisk(device)) continue;
    if (disks.size() >= kMaxDisks) return Error{"names more than 512 disks"};
    disks.push_back({std::string(device), std::move(n)});
  }
  return disks;
}

std::unique_ptr<Source> MakeDiskstatsSource(std::string root) {
  return std::make_unique<DiskstatsSource>(std::move(root));
}

}  // namespace haidang::agent
