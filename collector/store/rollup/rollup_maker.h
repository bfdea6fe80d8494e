#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collector/store/open_windows.h"
#include "collector/store/rollup/change.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

// Works out roll-ups from blocks, and merges their pieces. It writes nothing: the one writer does,
// and a change must be written before another one is made of the same machine's pieces. One thread
// at a time, and a connection of its own.
class RollupMaker {
 public:
  static Result<std::unique_ptr<RollupMaker>> Open(const std::string& path);

  // The first `limit` windows that are due behind `after`, by machine and time.
  Result<std::vector<DueWindow>> Due(const Window& after, size_t limit);
  Result<int64_t> CountDue();
  // What `due`'s blocks say. Where they may be gone in part, as they are of a window before
  // `whole_from_ms`, what was made while they were whole stays, if anything was.
  Result<RollupChange> MakeWindow(const DueWindow& due, int64_t whole_from_ms);

  // Days before `before_ms` with pieces of windows, none of which is due; oldest first.
  Result<std::vector<Window>> Days(int64_t before_ms, size_t limit);
  // All pieces of five minutes of the day as one, and its hours.
  Result<RollupChange> MergeDay(const Window& day);

  // Stretches of kLongPieceMs before `before_ms` with days that are done; oldest first.
  Result<std::vector<Window>> LongStretches(int64_t before_ms, size_t limit);
  Result<RollupChange> MergeLong(const Window& stretch);

 private:
  explicit RollupMaker(Database db) : db_(std::move(db)) {}
  struct Series;
  Result<std::vector<Series>> SeriesOf(int64_t machine, int64_t from_ms);
  Result<bool> HasPiece(const Window& window);
  Result<std::string> Summarise(const Window& window);
  Result<std::vector<Window>> Find(const char* sql, int64_t before_ms, size_t limit);
  class Merging;

  Database db_;
};

}  // namespace haidang::store
