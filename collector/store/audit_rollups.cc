#include "collector/store/audit_rollups.h"

#include <utility>

#include "collector/store/rollup/change.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "core/crc64.h"

namespace haidang::store {
namespace {

// Which pieces there are.
bool IsPiece(const PieceGrid& grid) {
  const bool fine = grid.level == RollupLevel::kFiveMinutes;
  const bool length = grid.length_ms == kDayPieceMs || (fine && grid.length_ms == kWindowMs) ||
                      (!fine && grid.length_ms == kLongPieceMs);
  return (fine || grid.level == RollupLevel::kHour) && length &&
         BeginOf(grid.begin_ms, grid.length_ms) == grid.begin_ms;
}

Status ReadAll(const Piece& piece, const std::function<void(int64_t series)>& visit) {
  for (const Piece::Entry& entry : piece.entries()) {
    if (entry.form == PieceForm::kHistogram) {
      auto rollup = piece.ReadHistogram(entry);
      if (!rollup) return rollup.error();
      for (size_t row = 0; row < rollup->increase.rows(); ++row) {
        if (auto histogram = rollup->increase.At(row); !histogram) return histogram.error();
      }
    } else if (auto rollup = piece.ReadNumber(entry); !rollup) {
      return rollup.error();
    }
    visit(entry.series);
  }
  return {};
}

}  // namespace

Status CheckRollups(StoreFile& file, const std::function<void(std::string where)>& damaged,
                    const std::function<void(std::string where)>& gone) {
  return ForEach(
      file.db(), "SELECT id, machine, level, begin_ms, length_ms, crc, bytes FROM rollup",
      [&](const Statement& s) {
        const std::string name = "rollup row " + std::to_string(s.Int(0)) + ", machine row " +
                                 std::to_string(s.Int(1)) + ", from " + std::to_string(s.Int(3));
        if (s.Int(2) != 1 && s.Int(2) != 2) return damaged(name + ": no such level");
        const PieceGrid grid{static_cast<RollupLevel>(s.Int(2)), s.Int(3), s.Int(4)};
        if (!IsPiece(grid)) return damaged(name + ": no such stretch of time");
        if (Crc64Of(s.Blob(6)) != s.UInt(5)) return damaged(name + ": another CRC");
        const auto piece = Piece::Open(grid, s.Blob(6));
        const Status read = piece ? ReadAll(*piece,
                                            [&](int64_t series) {
                                              const auto found = file.FindSeries(series);
                                              if (found && *found != nullptr) return;
                                              gone(name + ", series " + std::to_string(series));
                                            })
                                  : Status{piece.error()};
        if (!read) damaged(name + ": " + read.error().message);
      });
}

}  // namespace haidang::store
