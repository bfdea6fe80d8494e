#include "agent/sources/meminfo.h"

#include <algorithm>
#include <array>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

// What the kernel's key is called as node_exporter has it: "Active(anon):" in kB is
// node_memory_Active_anon_bytes. Sorted.
constexpr auto kKnown = std::to_array<std::string_view>({
    "Active",         "Active_anon",    "Active_file",    "AnonHugePages",   "AnonPages",
    "Balloon",        "Bounce",         "Buffers",        "Cached",          "CmaFree",
    "CmaTotal",       "CommitLimit",    "Committed_AS",   "DirectMap1G",     "DirectMap2M",
    "DirectMap4k",    "Dirty",          "FileHugePages",  "FilePmdMapped",   "HardwareCorrupted",
    "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp", "HugePages_Total", "Hugepagesize",
    "Hugetlb",        "Inactive",       "Inactive_anon",  "Inactive_file",   "KReclaimable",
    "KernelStack",    "Mapped",         "MemAvailable",   "MemFree",         "MemTotal",
    "Mlocked",        "NFS_Unstable",   "PageTables",     "Percpu",          "SReclaimable",
    "SUnreclaim",     "SecPageTables",  "Shmem",          "ShmemHugePages",  "ShmemPmdMapped",
    "Slab",           "SwapCached",     "SwapFree",       "SwapTotal",       "Unaccepted",
    "Unevictable",    "VmallocChunk",   "VmallocTotal",   "VmallocUsed",     "Writeback",
    "WritebackTmp",   "Zswap",          "Zswapped",
});
static_assert(std::is_sorted(kKnown.begin(), kKnown.end()));

class MeminfoSource final : public Source {
 public:
  explicit MeminfoSource(std::string root) : path_(std::move(root) + "proc/meminfo") {}

  std::string_view name() const override { return "meminfo"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadSmallFile(path_);
    if (!text) return text.error();
    const auto fields = ParseMeminfo(*text);
    if (!fields) return Error{path_ + ": " + fields.error().message};
    for (const auto& [metric, bytes] : *fields) Add(readings, metric, {}, bytes);
    return {};
  }

 private:
  std::string path_;
};

// "Active_anon" of "Active(anon):".
std::string NameOf(std::string_view key) {
  std::string name;
  for (const char c : key) {
    if (c == '(') name += '_';
    if (c != '(' && c != ')' && c != ':') name += c;
  }
  return name;
}

}  // namespace

Result<std::vector<std::pair<std::string, uint64_t>>> ParseMeminfo(std::string_view text) {
  constexpr uint64_t kLargest = UINT64_MAX / 1024;
  std::vector<std::pair<std::string, uint64_t>> fields;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string name = NameOf(TakeField(line));
    if (!std::binary_search(kKnown.begin(), kKnown.end(), std::string_view(name))) continue;
    const auto number = ParseUnsigned(TakeField(line));
    const bool kilobytes = TakeField(line) == "kB";
    const bool count = name.starts_with("HugePages_");  // of pages
    if (!number || *number > kLargest || kilobytes == count) {
      return Error{name + " is not a number of kB"};
    }
    fields.emplace_back("node_memory_" + name + (kilobytes ? "_bytes" : ""),
                        kilobytes ? *number * 1024 : *number);
  }
  if (fields.empty() || fields.front().first != "node_memory_MemTotal_bytes") {
    return Error{"does not begin with MemTotal"};
  }
  return fields;
}

std::unique_ptr<Source> MakeMeminfoSource(std::string root) {
  return std::make_unique<MeminfoSource>(std::move(root));
}

}  // namespace haidang::agent
