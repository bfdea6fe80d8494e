#include "collector/store/rollup/piece_directory.h"

#include "core/varint.h"

namespace haidang::store {
namespace {

constexpr char kVersion = 1;
constexpr uint64_t kMaxPartBytes = uint64_t{1} << 32;

bool Follows(const PieceDirectory::Entry& before, const PieceDirectory::Entry& entry) {
  if (before.series != entry.series) return before.series < entry.series;
  return before.form != PieceForm::kHistogram && entry.form == PieceForm::kHistogram;
}

}  // namespace

Error DamagedPiece(const char* what) { return Error{std::string("roll-up: ") + what}; }

uint64_t PieceDirectory::body_size() const {
  uint64_t size = 0;
  for (const size_t part : counts) size += part;
  for (const Entry& entry : entries) size += entry.size;
  return size;
}

Result<PieceDirectory> PieceDirectory::Take(const PieceGrid& grid, std::string_view& bytes) {
  if (bytes.empty() || bytes[0] != kVersion) {
    return DamagedPiece("it is of another version: damaged, or written by a newer program");
  }
  bytes.remove_prefix(1);
  const auto buckets = TakeVarint(bytes);
  if (grid.length_ms <= 0 || grid.length_ms % BucketMs(grid.level) != 0 ||
      grid.buckets() > kMaxPieceBuckets || !buckets || *buckets != grid.buckets()) {
    return DamagedPiece("it has other buckets than its row says");
  }
  const auto counts = TakeVarint(bytes);
  const auto entries = TakeVarint(bytes);
  if (!counts || !entries || *counts > kMaxPieceSeries || *entries > kMaxPieceSeries) {
    return DamagedPiece("its series are too many");
  }
  PieceDirectory directory;
  for (uint64_t i = 0; i < *counts; ++i) {
    const auto size = TakeVarint(bytes);
    if (!size || *size > kMaxPartBytes) return DamagedPiece("its directory is cut off");
    directory.counts.push_back(*size);
  }
  int64_t series = 0;
  for (uint64_t i = 0; i < *entries; ++i) {
    const auto step = TakeVarint(bytes);
    if (!step || bytes.empty()) return DamagedPiece("its directory is cut off");
    series = static_cast<int64_t>(static_cast<uint64_t>(series) + *step);
    Entry entry{series, static_cast<PieceForm>(bytes[0]), 0, 0};
    bytes.remove_prefix(1);
    const auto which = TakeVarint(bytes);
    const auto size = TakeVarint(bytes);
    if (!which || !size || *size > kMaxPartBytes) return DamagedPiece("its directory is cut off");
    if (entry.form > PieceForm::kHistogram || *which >= *counts) {
      return DamagedPiece("a series that is none");
    }
    entry.counts = *which;
    entry.size = *size;
    if (i > 0 && !Follows(directory.entries.back(), entry)) {
      return DamagedPiece("its series are out of order");
    }
    directory.entries.push_back(entry);
  }
  return directory;
}

std::string PieceDirectory::Encode(const PieceGrid& grid) const {
  std::string out(1, kVersion);
  PutVarint(out, grid.buckets());
  PutVarint(out, counts.size());
  PutVarint(out, entries.size());
  for (const size_t size : counts) PutVarint(out, size);
  int64_t before = 0;
  for (const Entry& entry : entries) {
    PutVarint(out, static_cast<uint64_t>(entry.series) - static_cast<uint64_t>(before));
    before = entry.series;
    out += static_cast<char>(entry.form);
    PutVarint(out, entry.counts);
    PutVarint(out, entry.size);
  }
  return out;
}

}  // namespace haidang::store
