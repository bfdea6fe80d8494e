#include "collector/store/rollup/piece.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "collector/store/chunk/values.h"
#include "core/varint.h"

namespace haidang::store {
namespace {

constexpr double kMostTicks = 1e9;  // in a bucket
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

using Column = std::vector<double>;

// The columns of a number in the order in which they are written, each with what is expected of it
// from those before: what is as expected costs next to nothing.
struct Told {
  Column NumberRollup::*column;
  double (*expected)(const NumberRollup&, size_t);
};
constexpr std::array<Told, 6> kColumns = {{
    {&NumberRollup::last, nullptr},
    {&NumberRollup::first,
     [](const NumberRollup& r, size_t i) { return r.last[i == 0 ? 0 : i - 1]; }},
    {&NumberRollup::min,
     [](const NumberRollup& r, size_t i) { return std::min(r.first[i], r.last[i]); }},
    {&NumberRollup::max,
     [](const NumberRollup& r, size_t i) { return std::max(r.first[i], r.last[i]); }},
    {&NumberRollup::sum, [](const NumberRollup& r, size_t i) { return r.count[i] * r.last[i]; }},
    {&NumberRollup::increase,
     [](const NumberRollup& r, size_t i) {
       return r.last[i] - (i == 0 ? r.first[0] : r.last[i - 1]);
     }},
}};

// Of a number that is no counter, the increase is not written.
size_t ColumnsOf(PieceForm form) { return kColumns.size() - (form == PieceForm::kCounter ? 0 : 1); }

// All values, or those that are not as expected: what takes less. Empty: all are as expected.
std::string EncodeColumn(const NumberRollup& rollup, const Told& told) {
  const Column& values = rollup.*told.column;
  std::string whole = EncodeValues(values, {});
  if (told.expected == nullptr) return whole;
  std::vector<Presence> presence(values.size(), Presence::kValue);
  for (size_t i = 0; i < values.size(); ++i) {
    if (SameBits(values[i], told.expected(rollup, i))) presence[i] = Presence::kAbsent;
  }
  const auto expected = std::count(presence.begin(), presence.end(), Presence::kAbsent);
  if (expected == 0) return whole;
  if (static_cast<size_t>(expected) == values.size()) return {};
  std::string others = EncodeValues(values, presence);
  return others.size() < whole.size() ? others : whole;
}

Status DecodeColumn(std::string_view bytes, const Told& told, NumberRollup& rollup) {
  Column& values = rollup.*told.column;
  const size_t size = rollup.count.size();
  ValueColumn column;
  if (bytes.empty()) {
    if (told.expected == nullptr) return DamagedPiece("a column is not there");
    column.presence.assign(size, Presence::kAbsent);
    values.assign(size, 0);
  } else {
    if (auto done = DecodeValues(bytes, size, column); !done) return done;
    if (column.values.size() != size) return DamagedPiece("a column is too short");
    values = std::move(column.values);
  }
  for (size_t i = 0; i < column.presence.size(); ++i) {
    if (column.presence[i] == Presence::kValue) continue;
    if (told.expected == nullptr) return DamagedPiece("a value is not there");
    values[i] = told.expected(rollup, i);
  }
  return {};
}

}  // namespace

Result<Piece> Piece::Open(const PieceGrid& grid, std::string_view bytes) {
  auto directory = PieceDirectory::Take(grid, bytes);
  if (!directory) return directory.error();
  if (directory->body_size() != bytes.size()) {
    return DamagedPiece("its size is not what its directory says");
  }
  Piece piece;
  piece.grid_ = grid;
  const auto take = [&bytes](size_t size) {
    const std::string_view part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return part;
  };
  for (const size_t size : directory->counts) piece.counts_.push_back(take(size));
  for (const PieceDirectory::Entry& entry : directory->entries) {
    piece.entries_.push_back({entry.series, entry.form, entry.counts, take(entry.size)});
  }
  return piece;
}

Result<Piece::Counts> Piece::ReadCounts(size_t index) const {
  ValueColumn column;
  if (auto done = DecodeValues(counts_[index], grid_.buckets(), column); !done) return done.error();
  if (column.values.size() != grid_.buckets()) return DamagedPiece("its counts are too few");
  Counts counts;
  for (size_t i = 0; i < column.values.size(); ++i) {
    if (!column.presence.empty() && column.presence[i] != Presence::kValue) continue;
    if (!(column.values[i] >= 1 && column.values[i] <= kMostTicks)) {
      return DamagedPiece("an impossible count");
    }
    counts.begins_ms.push_back(grid_.begin_ms + static_cast<int64_t>(i) * BucketMs(grid_.level));
    counts.count.push_back(column.values[i]);
  }
  return counts;
}

Result<NumberRollup> Piece::ReadNumber(const Entry& entry) const {
  auto counts = ReadCounts(entry.counts);
  if (!counts) return counts.error();
  NumberRollup rollup;
  rollup.begins_ms = std::move(counts->begins_ms);
  rollup.count = std::move(counts->count);
  if (rollup.count.empty()) return DamagedPiece("a series without a value");
  rollup.increase.assign(rollup.count.size(), kNone);
  std::string_view bytes = entry.bytes;
  for (size_t i = 0; i < ColumnsOf(entry.form); ++i) {
    const auto size = TakeVarint(bytes);
    if (!size || *size > bytes.size()) return DamagedPiece("a column is cut off");
    if (auto done = DecodeColumn(bytes.substr(0, *size), kColumns[i], rollup); !done) {
      return done.error();
    }
    bytes.remove_prefix(*size);
  }
  if (!bytes.empty()) return DamagedPiece("bytes of a series are left over");
  return rollup;
}

Result<HistogramRollup> Piece::ReadHistogram(const Entry& entry, bool sums) const {
  auto counts = ReadCounts(entry.counts);
  if (!counts) return counts.error();
  HistogramRollup rollup;
  rollup.begins_ms = std::move(counts->begins_ms);
  if (rollup.begins_ms.empty()) return DamagedPiece("a series without a value");
  const auto decode = sums ? DecodeHistograms : DecodeHistogramCounts;
  auto done = decode(entry.bytes, rollup.begins_ms.size(), rollup.increase);
  if (!done) return done.error();
  if (rollup.increase.rows() != rollup.begins_ms.size())
    return DamagedPiece("a histogram is missing");
  return rollup;
}

void PieceMaker::Add(int64_t series, const NumberRollup& rollup) {
  const bool counter = std::any_of(rollup.increase.begin(), rollup.increase.end(),
                                   [](double increase) { return !SameBits(increase, kNone); });
  const PieceForm form = counter ? PieceForm::kCounter : PieceForm::kNumber;
  if (rollup.begins_ms.empty()) return;
  std::string bytes;
  for (size_t i = 0; i < ColumnsOf(form); ++i) {
    const std::string column = EncodeColumn(rollup, kColumns[i]);
    PutVarint(bytes, column.size());
    bytes += column;
  }
  Append(series, form, rollup.begins_ms, rollup.count, bytes);
}

void PieceMaker::Add(int64_t series, const HistogramRollup& rollup) {
  if (rollup.begins_ms.empty()) return;
  Append(series, PieceForm::kHistogram, rollup.begins_ms, Column(rollup.begins_ms.size(), 1),
         EncodeHistograms(rollup.increase));
}

void PieceMaker::Append(int64_t series, PieceForm form, const std::vector<int64_t>& begins_ms,
                        const Column& count, const std::string& bytes) {
  if (directory_.entries.size() >= kMaxPieceSeries) return;
  directory_.entries.push_back({series, form, CountsOf(begins_ms, count), bytes.size()});
  bodies_ += bytes;
}

// Most series of a machine have the same ones, or one of a few.
size_t PieceMaker::CountsOf(const std::vector<int64_t>& begins_ms, const Column& count) {
  Column values(grid_.buckets(), 0);
  std::vector<Presence> presence(grid_.buckets(), Presence::kAbsent);
  for (size_t i = 0; i < begins_ms.size(); ++i) {
    const auto bucket =
        static_cast<size_t>((begins_ms[i] - grid_.begin_ms) / BucketMs(grid_.level));
    values[bucket] = count[i];
    presence[bucket] = Presence::kValue;
  }
  std::string bytes = EncodeValues(values, presence);
  const auto [at, fresh] = counts_.try_emplace(std::move(bytes), counts_.size());
  return at->second;
}

std::string PieceMaker::Finish() {
  std::vector<const std::string*> counts(counts_.size());
  for (const auto& [bytes, index] : counts_) counts[index] = &bytes;
  for (const std::string* bytes : counts) directory_.counts.push_back(bytes->size());
  std::string out = directory_.Encode(grid_);
  for (const std::string* bytes : counts) out += *bytes;
  return out + bodies_;
}

}  // namespace haidang::store
