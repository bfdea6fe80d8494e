#include "agent/sources/files.h"

#include <set>
#include <utility>

#include "agent/paced_items.h"
#include "agent/sources/text.h"
#include "agent/sources/walk.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxFiles = 64;  // [[files]]
constexpr size_t kMaxPathBytes = 512;

// What a pattern found.
struct Totals {
  uint64_t files = 0;
  uint64_t bytes = 0;
  FoundFile newest;
};

Result<Totals> Look(const std::string& root, const FilesOptions& options) {
  Totals totals;
  const Status walked = WalkFiles(root, options.pattern, {}, [&](const FoundFile& file) {
    if (file.size < options.min_bytes) return;
    if (totals.files == 0 || file.mtime_ns > totals.newest.mtime_ns) totals.newest = file;
    ++totals.files;
    totals.bytes += file.size;
  });
  if (!walked) return walked.error();
  return totals;
}

class FilesSource final : public Source {
 public:
  FilesSource(const std::string& root, Loop& loop, const Clock& clock,
              const std::vector<FilesOptions>& files)
      : root_size_(root.size() - 1), looks_("files", loop, clock) {
    for (const FilesOptions& one : files) {
      looks_.Add(one.name, one.interval, [root, one] { return Look(root, one); });
    }
  }

  std::string_view name() const override { return "files"; }

  void Prepare() override { looks_.Prepare(); }

  bool Ready() const override { return looks_.Ready(); }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    for (auto& one : looks_.items()) Report(one, readings);
    return {};
  }

 private:
  void Report(PacedItems<Totals>::Item& one, std::vector<Reading>& readings) const {
    const Labels labels = {{"name", one.name}};
    const Result<Totals> totals = one.look.Latest();
    Add(readings, "haidang_files_success", labels, totals.ok());
    if (!totals) return one.trouble.Failed(totals.error().message);
    one.trouble.Worked();
    Add(readings, "haidang_files", labels, totals->files);
    Add(readings, "haidang_files_bytes", labels, totals->bytes);
    if (totals->files == 0) return;
    const FoundFile& newest = totals->newest;
    Add(readings, "haidang_files_newest_bytes", labels, newest.size);
    Add(readings, "haidang_files_newest_mtime_seconds", labels,
        static_cast<double>(newest.mtime_ns / 1'000'000) / 1000);
    Add(readings, "haidang_files_newest_path", labels,
        ToUtf8(std::string_view(newest.path).substr(root_size_), kMaxPathBytes));
  }

  size_t root_size_;  // of paths, which people know without it
  PacedItems<Totals> looks_;
};

}  // namespace

std::vector<FilesOptions> ReadFilesOptions(ConfigTable& root) {
  std::vector<FilesOptions> all;
  std::set<std::string> names;
  for (ConfigTable& table : root.Tables("files", kMaxFiles)) {
    FilesOptions one;
    one.name = table.RequiredString("name", 64);
    if (!one.name.empty() && !names.insert(one.name).second) {
      table.Fault("name", "there are two [[files]] of this name; allowed: each name once");
    }
    const std::string path = table.RequiredString("path");
    if (!path.empty()) {
      if (auto pattern = ParsePattern(path)) {
        one.pattern = std::move(*pattern);
      } else {
        table.Fault("path", pattern.error().message);
      }
    }
    one.min_bytes = static_cast<uint64_t>(
        table.Integer("min_bytes", static_cast<int64_t>(one.min_bytes), 0, int64_t{1} << 50));
    one.interval = table.Duration("interval", one.interval, 1s, 24h);
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> MakeFilesSource(const std::string& root, Loop& loop, const Clock& clock,
                                        const std::vector<FilesOptions>& files) {
  return std::make_unique<FilesSource>(root, loop, clock, files);
}

}  // namespace haidang::agent
