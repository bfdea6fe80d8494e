#pragma once

#include <string>
#include <vector>

#include "core/calendar.h"
#include "core/io/database.h"
#include "core/query.h"
#include "core/result.h"
#include "server/places.h"

namespace haidang::server {

// control.db: what people decide. The server alone opens it. One thread.
class ControlDb {
 public:
  static constexpr int kSchemaVersion = 3;

  // Opens or makes the file and brings its schema forward; a schema of a newer program is refused.
  static Result<ControlDb> Open(const std::string& path);

  // What the files and the configuration say at `now_ms`; absent files of places and machines leave
  // what is known, objectives and the calendar are what the configuration says. The snapshot's
  // version goes up by one where the content changed, and stays where it did not.
  struct Sources {
    const PlaceFile<query::Site>* sites = nullptr;
    const PlaceFile<query::Placement>* inventory = nullptr;
    std::vector<query::Objective> objectives = {};
    CalendarRules calendar = {};
  };
  Status Import(const Sources& sources, int64_t now_ms);

  Result<query::Snapshot> Snapshot();

  // Makes `version` ours: the collector knew a higher one (control.db was made anew or restored).
  Status RaiseVersion(int64_t version);

 private:
  explicit ControlDb(Database db) : db_(std::move(db)) {}
  Status Migrate();
  Status Replace(const query::Snapshot& snapshot);

  Database db_;
};

}  // namespace haidang::server
