#include "agent/sources/meminfo.h"

#include <algorithm>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

struct Field {
  std::string_view key;
  std::string_view metric;
};

constexpr Field kFields[] = {
    {"MemTotal:", "node_memory_MemTotal_bytes"},
    {"MemFree:", "node_memory_MemFree_bytes"},
    {"MemAvailable:", "node_memory_MemAvailable_bytes"},
    {"Buffers:", "node_memory_Buffers_bytes"},
    {"Cached:", "node_memory_Cached_bytes"},
    {"SwapCached:", "node_memory_SwapCached_bytes"},
    {"SwapTotal:", "node_memory_SwapTotal_bytes"},
    {"SwapFree:", "node_memory_SwapFree_bytes"},
    {"Dirty:", "node_memory_Dirty_bytes"},
    {"Shmem:", "node_memory_Shmem_bytes"},
    {"SReclaimable:", "node_memory_SReclaimable_bytes"},
    {"Committed_AS:", "node_memory_Committed_AS_bytes"},
};

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

}  // namespace

Result<std::vector<std::pair<std::string_view, uint64_t>>> ParseMeminfo(std::string_view text) {
  constexpr uint64_t kLargest = UINT64_MAX / 1024;
  std::vector<std::pair<std::string_view, uint64_t>> fields;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeField(line);
    const auto* field = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&](const Field& f) { return f.key == key; });
    if (field == std::end(kFields)) continue;
    const auto kilobytes = ParseUnsigned(TakeField(line));
    if (!kilobytes || *kilobytes > kLargest || TakeField(line) != "kB") {
      return Error{std::string(key) + " is not a number of kB"};
    }
    fields.emplace_back(field->metric, *kilobytes * 1024);
  }
  if (fields.empty() || fields.front().first != kFields[0].metric) {
    return Error{"does not begin with MemTotal"};
  }
  return fields;
}

std::unique_ptr<Source> MakeMeminfoSource(std::string root) {
  return std::make_unique<MeminfoSource>(std::move(root));
}

}  // namespace haidang::agent
