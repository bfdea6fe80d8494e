#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "agent/background.h"
#include "agent/item_trouble.h"
#include "agent/sources.h"
#include "agent/sources/exposition_text.h"
#include "agent/sources/text.h"
#include "core/catalogue.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxFiles = 256;
constexpr size_t kMaxFileBytes = 1U << 20;
constexpr size_t kMaxSamples = 2000;  // of all files
constexpr std::string_view kEnding = ".prom";

// What one look at the directory brought.
struct Drops {
  std::vector<Reading> readings;
  std::map<std::string, double> changed_s;  // each good file's, since 1970
  std::string fault;                        // the first of a file; "" where all are good
};

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name.ends_with(kEnding) && !name.starts_with('.') && names.size() < kMaxFiles)
      names.insert(name);
  }
  return names;
}

Status Take(const std::string& path, std::set<SeriesId>& seen, Drops& drops) {
  const auto text = ReadSmallFile(path, kMaxFileBytes);
  if (!text) return text.error();
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return Error{path + ": is gone"};
  auto readings = ParseExposition(*text, kMaxSamples - drops.readings.size());
  if (!readings) return Error{path + ": " + readings.error().message};
  for (const Reading& reading : *readings) {
    // What the agent tells itself nobody else may tell in its name.
    if (FindMetric(reading.series.metric) != nullptr) {
      return Error{path + ": tells " + reading.series.metric + ", which is the agent's own"};
    }
    if (!seen.insert(reading.series).second) {
      return Error{path + ": tells " + ToString(reading.series) + ", as another file does"};
    }
  }
  std::move(readings->begin(), readings->end(), std::back_inserter(drops.readings));
  drops.changed_s[path] = static_cast<double>(info.st_mtim.tv_sec) +
                          static_cast<double>(info.st_mtim.tv_nsec / 1'000'000) / 1000;
  return {};
}

// In order of names, so that the same file loses where two tell the same.
Drops Look(const std::string& directory) {
  Drops drops;
  std::set<SeriesId> seen;
  for (const std::string& name : NamesIn(directory)) {
    const Status taken = Take(directory + "/" + name, seen, drops);
    if (!taken && drops.fault.empty()) drops.fault = taken.error().message;
  }
  return drops;
}

// Drop-in files of other programs, as node_exporter takes them: *.prom in one directory.
class TextfileSource final : public Source {
 public:
  TextfileSource(const std::string& directory, Loop& loop, const Clock& clock)
      : look_(loop, [directory] { return Result<Drops>(Look(directory)); }),
        trouble_("textfile", clock) {}

  std::string_view name() const override { return "textfile"; }
  void Prepare() override { look_.Start(); }
  bool Ready() const override { return look_.Ready(); }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    auto drops = look_.Latest();
    if (!drops) return drops.error();
    if (drops->fault.empty()) {
      trouble_.Worked();
    } else {
      trouble_.Failed(drops->fault);
    }
    std::move(drops->readings.begin(), drops->readings.end(), std::back_inserter(readings));
    for (const auto& [path, changed_s] : drops->changed_s) {
      Add(readings, "node_textfile_mtime_seconds", {{"file", ToUtf8(path, 512)}}, changed_s);
    }
    Add(readings, "node_textfile_scrape_error", {}, !drops->fault.empty());
    return {};
  }

 private:
  Background<Drops> look_;
  ItemTrouble trouble_;
};

}  // namespace

std::unique_ptr<Source> MakeTextfileSource(const std::string& directory, Loop& loop,
                                           const Clock& clock) {
  return std::make_unique<TextfileSource>(directory, loop, clock);
}

}  // namespace haidang::agent
