#include "collector/store/rollup/excerpt.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace haidang::store {
namespace {

constexpr size_t kFirstRead = 2048;  // the directory of some 300 series

// The directory, and where what it tells of begins.
struct Located {
  PieceDirectory directory;
  size_t body_at = 0;
};

// Reads more until the directory is whole.
Result<Located> Locate(const PieceGrid& grid, size_t size, const ReadPart& read) {
  std::string begin;
  for (size_t length = kFirstRead;; length *= 4) {
    length = std::min(length, size);
    if (auto done = read(0, length, begin); !done) return done.error();
    std::string_view rest = begin;
    auto directory = PieceDirectory::Take(grid, rest);
    if (!directory && length < size) continue;
    if (!directory) return directory.error();
    const size_t body_at = length - rest.size();
    if (directory->body_size() != size - body_at) {
      return DamagedPiece("its size is not what its directory says");
    }
    return Located{std::move(*directory), body_at};
  }
}

}  // namespace

Result<std::string> ReadExcerpt(const PieceGrid& grid, size_t size, const ReadPart& read,
                                const std::set<int64_t>& series) {
  const auto whole = Locate(grid, size, read);
  if (!whole) return whole.error();
  const PieceDirectory& from = whole->directory;
  std::vector<size_t> counts_at;
  size_t at = whole->body_at;
  for (const size_t part : from.counts) {
    counts_at.push_back(at);
    at += part;
  }

  PieceDirectory excerpt;
  std::map<size_t, size_t> kept;  // counts of the piece → of the excerpt
  std::string counts, bodies, part;
  for (const PieceDirectory::Entry& entry : from.entries) {
    const size_t body_at = std::exchange(at, at + entry.size);
    if (!series.contains(entry.series)) continue;
    if (auto done = read(body_at, entry.size, part); !done) return done.error();
    bodies += part;
    const auto [known, fresh] = kept.try_emplace(entry.counts, kept.size());
    if (fresh) {
      const size_t length = from.counts[entry.counts];
      if (auto done = read(counts_at[entry.counts], length, part); !done) return done.error();
      counts += part;
      excerpt.counts.push_back(length);
    }
    excerpt.entries.push_back({entry.series, entry.form, known->second, entry.size});
  }
  return excerpt.Encode(grid) + counts + bodies;
}

}  // namespace haidang::store
