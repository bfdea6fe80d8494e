#pragma once

#include "collector/store/query/catalog.h"
#include "collector/store/query/level_walk.h"
#include "collector/store/query/question.h"
#include "collector/store/query/selection.h"
#include "core/clock.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

// Answers questions about series from blocks, journal and roll-ups (docs/queries.md). Reads in
// transactions of at most 250 ms. One thread at a time, with a connection of its own.
class QueryEngine {
 public:
  // `clock` null: questions have no deadline. `db` and `clock` must outlive it.
  QueryEngine(Database& db, RollupReader rollups, const Clock* clock)
      : db_(db), rollups_(std::move(rollups)), clock_(clock), catalog_(db) {}

  Result<SeriesAnswer> Range(const RangeQuestion& question, const QueryControl& control);
  // Columns of one point each: when the value was known last. Of roll-ups the time is when the
  // bucket begins.
  Result<SeriesAnswer> Last(const LastQuestion& question, const QueryControl& control);

 private:
  Status Answer(const RangeQuestion& question, Budget& budget, SeriesAnswer& answer);
  Status Answer(const LastQuestion& question, Budget& budget, SeriesAnswer& answer);
  Status Steps(const RangeQuestion& question, bool histograms, Selection& selection, Budget& budget,
               SeriesAnswer& answer);
  Status Points(const RangeQuestion& question, Selection& selection, Budget& budget,
                SeriesAnswer& answer);

  Database& db_;
  RollupReader rollups_;
  const Clock* clock_;
  Catalog catalog_;
};

}  // namespace haidang::store
