#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/store/rollup/piece_directory.h"
#include "collector/store/rollup/rollup.h"
#include "core/result.h"

// The bytes of a machine's roll-ups of one stretch of time: docs/store-format.md, "Roll-ups".
namespace haidang::store {

inline constexpr size_t kMaxPieceBytes = 64U << 20;  // of a piece that was not made here

// Reads a piece. Views `bytes`, which must outlive it.
class Piece {
 public:
  // Decodes where the series are; hostile bytes are an Error.
  static Result<Piece> Open(const PieceGrid& grid, std::string_view bytes);

  struct Entry {
    int64_t series = 0;  // row id
    PieceForm form = PieceForm::kNumber;
    size_t counts = 0;  // which of the piece's counts are the series'
    std::string_view bytes;
  };
  // Ascending by series; one has a number and then a histogram where it was either once.
  std::span<const Entry> entries() const { return entries_; }

  // Required: the entry's form.
  Result<NumberRollup> ReadNumber(const Entry& entry) const;
  // Without `sums` NaN stands in their place: what reads fewer of its bytes.
  Result<HistogramRollup> ReadHistogram(const Entry& entry, bool sums = true) const;

 private:
  // The buckets in which there is something, and how many ticks each had.
  struct Counts {
    std::vector<int64_t> begins_ms;
    std::vector<double> count;
  };
  Result<Counts> ReadCounts(size_t index) const;

  PieceGrid grid_;
  std::vector<std::string_view> counts_;
  std::vector<Entry> entries_;
};

// Makes the bytes of a piece; the same ones of the same summaries.
class PieceMaker {
 public:
  explicit PieceMaker(const PieceGrid& grid) : grid_(grid) {}

  // Required: series ascend, of one the number comes first; all buckets are the grid's. A series
  // without any is left out, and what is beyond kMaxPieceSeries.
  void Add(int64_t series, const NumberRollup& rollup);
  void Add(int64_t series, const HistogramRollup& rollup);

  std::string Finish();

 private:
  void Append(int64_t series, PieceForm form, const std::vector<int64_t>& begins_ms,
              const std::vector<double>& count, const std::string& bytes);
  size_t CountsOf(const std::vector<int64_t>& begins_ms, const std::vector<double>& count);

  PieceGrid grid_;
  std::unordered_map<std::string, size_t> counts_;  // encoded; which one it is
  PieceDirectory directory_;
  std::string bodies_;
};

}  // namespace haidang::store
