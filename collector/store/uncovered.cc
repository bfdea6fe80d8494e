#include <algorithm>
#include <cstdint>
#include <map>

#include "collector/store/for_each.h"
#include "collector/store/statements.h"
#include "collector/store/store.h"
#include "collector/store/window.h"

// Which rows of the journal are in no block. The journal may hold far more than those: rows wait
// there for a receiver of remote write that takes nothing.
namespace haidang::store {
namespace {

// A row costs so many times what its entry in the index does.
constexpr int64_t kEntriesOfARow = 3;

struct Extent {
  int64_t covered = 0;  // as NoteCovered was told last; 0: never
  int64_t first = 0, last = 0;
};

Result<Extent> ExtentOf(Database& db) {
  Extent extent;
  auto read = ForEach(db,
                      "SELECT coalesce((SELECT value FROM meta WHERE key = 'covered'), 0),"
                      " coalesce((SELECT min(id) FROM journal), 1),"
                      " coalesce((SELECT max(id) FROM journal), 0)",
                      [&](Statement& s) {
                        extent = {s.Int(0), s.Int(1), s.Int(2)};
                      });
  if (!read) return read.error();
  return extent;
}

}  // namespace

Status Store::NoteCovered(int64_t first_needed) {
  return Run(statements_->note_covered->Bind(1, first_needed));
}

Status Store::ForEachUncovered(const std::function<void(int64_t, int64_t, int64_t)>& visit) {
  const auto extent = ExtentOf(db_);
  if (!extent) return extent.error();
  auto block = db_.Prepare(
      "SELECT coalesce(max(journal_id), 0) FROM block WHERE machine = ?1 AND window_ms = ?2");
  if (!block) return block.error();
  // The index holds all that is asked for, but of the whole journal: it is in no order of arrival.
  const bool by_arrival = (extent->covered - extent->first) / kEntriesOfARow >=
                          std::max<int64_t>(1, extent->last - extent->covered + 1);
  auto rows = db_.Prepare(
      by_arrival ? "SELECT machine, time_ms, id FROM journal WHERE id >= ?1 ORDER BY id"
                 : "SELECT machine, time_ms, id FROM journal ORDER BY machine, time_ms");
  if (!rows) return rows.error();
  if (by_arrival) rows->Bind(1, extent->covered);
  std::map<std::pair<int64_t, int64_t>, int64_t> up_to;  // of windows; by the index, of one
  for (;;) {
    auto row = rows->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const std::pair<int64_t, int64_t> window{rows->Int(0), WindowOf(rows->Int(1))};
    auto known = up_to.find(window);
    if (known == up_to.end()) {
      auto found = block->Bind(1, window.first).Bind(2, window.second).Step();
      if (!found) return found.error();
      if (!by_arrival) up_to.clear();
      known = up_to.emplace(window, block->Int(0)).first;
      block->Reset();
    }
    if (rows->Int(2) > known->second) visit(rows->Int(0), rows->Int(1), rows->Int(2));
  }
}

}  // namespace haidang::store
