#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/places.h"
#include "collector/store/head.h"
#include "core/io/database.h"
#include "core/result.h"
#include "core/sample.h"

namespace haidang::remote {

// A series as receivers know it, without its machine.
struct ToldSeries {
  std::string metric;
  Labels labels;  // its own
  bool histogram = false;
};

// What a machine was at some time.
struct Standing {
  std::string name;
  int64_t interval_ms = 15000;
  collector::Place place;
};

// What the store's tables say of machines, places and series. Worker: one thread at a time, and a
// connection of its own.
class Directory {
 public:
  static Result<std::unique_ptr<Directory>> Open(const std::string& path);

  Database& db() { return db_; }

  // Looks whether the server told of other places.
  Status Refresh();
  Result<Standing> StandingOf(int64_t machine, int64_t time_ms);
  Result<bool> IsOnline(int64_t machine);
  // Spools of a machine, and the layout that each speaks.
  Result<std::map<int64_t, int64_t>> SpoolsOf(int64_t machine);
  // What a layout's aliases mean: series and group.
  struct Meaning {
    uint64_t alias = 0;
    int64_t series = 0;  // row id; 0: not read
    uint8_t group = 0;
    DataType datatype = DataType::kDouble;
  };
  Result<std::vector<Meaning>> AliasesOf(int64_t layout);
  // Null where it is told to nobody: a text, or a name that Prometheus does not take. Lives as long
  // as this.
  Result<const ToldSeries*> SeriesOf(int64_t series);

 private:
  explicit Directory(Database db) : db_(std::move(db)) {}

  Database db_;
  int64_t places_version_ = 0;
  collector::Places places_;
  std::map<int64_t, std::unique_ptr<ToldSeries>> series_;  // null: told to nobody
};

}  // namespace haidang::remote
