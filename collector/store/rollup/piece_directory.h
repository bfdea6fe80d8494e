#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/rollup/rollup.h"
#include "core/result.h"

namespace haidang::store {

inline constexpr size_t kMaxPieceSeries = 65536;
inline constexpr size_t kMaxPieceBuckets = 1024;

// Which buckets a piece has room for.
struct PieceGrid {
  RollupLevel level = RollupLevel::kFiveMinutes;
  int64_t begin_ms = 0;  // of the first
  int64_t length_ms = 0;
  size_t buckets() const { return static_cast<size_t>(length_ms / BucketMs(level)); }
};

// On disk: never renumber.
enum class PieceForm : uint8_t {
  kNumber = 0,
  kCounter = 1,
  kHistogram = 2,
};

// What stands at the beginning of a piece: where each series is in the rest of it.
struct PieceDirectory {
  struct Entry {
    int64_t series = 0;  // row id
    PieceForm form = PieceForm::kNumber;
    size_t counts = 0;  // which of the piece's counts are the series'
    size_t size = 0;    // bytes
  };
  std::vector<size_t> counts;  // bytes of each
  std::vector<Entry> entries;  // ascending by series; a number before a histogram of the same

  // Of all that follows the directory. Wide enough whatever the directory says.
  uint64_t body_size() const;

  // Takes it off `bytes`; hostile bytes are an Error. `grid` is what the piece's row says.
  static Result<PieceDirectory> Take(const PieceGrid& grid, std::string_view& bytes);
  // As Take reads it.
  std::string Encode(const PieceGrid& grid) const;
};

// "roll-up: what".
Error DamagedPiece(const char* what);

}  // namespace haidang::store
