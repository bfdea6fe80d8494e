#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/store/rollup/rollup.h"
#include "collector/store/window.h"

// The rows of the tables rollup and rollup_due as values (docs/store-format.md, "Roll-ups").
namespace haidang::store {

// How much time a piece holds, counted from 1970: first a window, then a day, and of hours in the
// end so many days.
inline constexpr int64_t kDayPieceMs = int64_t{24} * 3600 * 1000;
inline constexpr int64_t kLongPieceMs = 32 * kDayPieceMs;

struct RollupRow {
  int64_t machine = 0;
  RollupLevel level = RollupLevel::kFiveMinutes;
  int64_t begin_ms = 0;
  int64_t length_ms = 0;
  std::string bytes;  // of a Piece
};

// A window whose roll-ups must be made (again). The mark is another one once a newer block came.
struct DueWindow {
  int64_t machine = 0;
  int64_t window_ms = 0;
  int64_t mark = 0;
};

// One step from a right state to the next one; all of it in one transaction.
struct RollupChange {
  std::vector<RollupRow> made;  // each in place of the one that was there
  // Pieces of this level and length that `made` holds now.
  struct Merged {
    int64_t machine = 0;
    RollupLevel level = RollupLevel::kFiveMinutes;
    int64_t length_ms = 0;
    Stretch begins;
  };
  std::optional<Merged> merged;
  std::optional<DueWindow> settled;

  size_t bytes() const {
    size_t bytes = 0;
    for (const RollupRow& row : made) bytes += row.bytes.size();
    return bytes;
  }
};

}  // namespace haidang::store
