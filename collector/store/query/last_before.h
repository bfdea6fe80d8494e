#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/level_walk.h"
#include "collector/store/query/selection.h"
#include "core/query.h"

namespace haidang::store {

// Looks for the last known value of each series at or before a time, the newest stretches first:
// batches for a day, roll-ups where these are gone for their age, and (with batches where there are
// none) beyond.
class LastBefore {
 public:
  // All must outlive it.
  LastBefore(Database& db, const RollupReader& rollups, Budget& budget,
             const LastQuestion& question)
      : db_(db), rollups_(rollups), budget_(budget), question_(question) {}

  // Appends a column of one point for each series of which something is found.
  Status Read(const Selected& selected, std::vector<query::Column>& columns);

  const std::set<Source>& used() const { return used_; }

 private:
  struct Found {
    int64_t time_ms = 0;
    double value = 0;
    const Place* place = nullptr;  // null: nothing is found
  };
  struct Reading {
    Source source = Source::kAuto;
    int64_t step_ms = 0;  // as LevelWalk's
  };
  Status Look(const Selected& selected, int64_t from_ms, int64_t to_ms, const Reading& reading,
              std::vector<Found>& found);

  Database& db_;
  const RollupReader& rollups_;
  Budget& budget_;
  const LastQuestion& question_;
  std::set<Source> used_;
};

}  // namespace haidang::store
