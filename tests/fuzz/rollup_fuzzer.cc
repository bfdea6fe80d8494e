// Hostile pieces of roll-ups: an Error or some values, bounded; what is read is written so that it
// is read again.

#include <cstring>
#include <string>

#include "collector/store/rollup/excerpt.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::store;

namespace {

constexpr int64_t kDay = 86'400'000;

// Histograms that are none are met where a row is read.
bool Rows(const HistogramRollup& rollup) {
  for (size_t row = 0; row < rollup.increase.rows(); ++row) {
    if (!rollup.increase.At(row).ok()) return false;
  }
  return true;
}

}  // namespace

// One byte says which piece it is, the others are the piece.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const PieceGrid grids[] = {{RollupLevel::kFiveMinutes, 0, kDay / 12},
                             {RollupLevel::kFiveMinutes, 0, kDay},
                             {RollupLevel::kHour, 0, kDay},
                             {RollupLevel::kHour, 0, 32 * kDay}};
  const PieceGrid& grid = grids[data[0] & 3];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto read = [&](size_t offset, size_t length, std::string& into) -> haidang::Status {
    FUZZ_REQUIRE(offset <= bytes.size() && length <= bytes.size() - offset);
    into = bytes.substr(offset, length);
    return {};
  };
  const auto excerpt = ReadExcerpt(grid, bytes.size(), read, {1, 2, 3});
  const auto piece = Piece::Open(grid, bytes);
  FUZZ_REQUIRE(excerpt.ok() == piece.ok());
  if (!piece.ok()) return 0;
  FUZZ_REQUIRE(Piece::Open(grid, *excerpt).ok());
  PieceMaker maker(grid);
  size_t series = 0;
  for (const Piece::Entry& entry : piece->entries()) {
    if (series >= 64) break;
    if (entry.form == PieceForm::kHistogram) {
      const auto rollup = piece->ReadHistogram(entry);
      if (!rollup.ok()) continue;
      FUZZ_REQUIRE(rollup->begins_ms.size() <= grid.buckets());
      FUZZ_REQUIRE(rollup->increase.rows() == rollup->begins_ms.size());
      const auto hours = ByHour(*rollup);
      FUZZ_REQUIRE(hours.ok() == Rows(*rollup));
      maker.Add(entry.series, *rollup);
    } else {
      const auto rollup = piece->ReadNumber(entry);
      if (!rollup.ok()) continue;
      FUZZ_REQUIRE(rollup->begins_ms.size() <= grid.buckets());
      FUZZ_REQUIRE(rollup->increase.size() == rollup->begins_ms.size());
      FUZZ_REQUIRE(ByHour(*rollup).begins_ms.size() <= rollup->begins_ms.size());
      maker.Add(entry.series, *rollup);
    }
    ++series;
  }
  const std::string again = maker.Finish();
  const auto reread = Piece::Open(grid, again);
  FUZZ_REQUIRE(reread.ok());
  FUZZ_REQUIRE(reread->entries().size() <= series);
  for (const Piece::Entry& entry : reread->entries()) {
    FUZZ_REQUIRE(entry.form == PieceForm::kHistogram ? reread->ReadHistogram(entry).ok()
                                                     : reread->ReadNumber(entry).ok());
  }
  return 0;
}
