#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/chunk/presence.h"
#include "core/histogram.h"
#include "core/result.h"

namespace haidang::store {

// The histograms that one series has in a chunk, by bucket: a row for each tick that has one.
class HistogramColumn {
 public:
  struct Bucket {
    int index = 0;                 // of Histogram
    std::vector<uint64_t> counts;  // one a row; 0: the row's histogram has no such bucket
    bool operator==(const Bucket&) const = default;
  };

  void Append(const Histogram& histogram);
  // The next tick has none. Required: not kValue.
  void AppendNone(Presence presence);
  // Those of `other`. Required: each tick of it has one; first + count <= other.rows().
  void AppendRows(const HistogramColumn& other, size_t first, size_t count);

  size_t ticks() const { return presence_.size(); }
  size_t rows() const { return sums_.size(); }
  const std::vector<Presence>& presence() const { return presence_; }  // one a tick
  const std::vector<uint64_t>& zero_counts() const { return zero_counts_; }
  const std::vector<double>& sums() const { return sums_; }
  const std::vector<Bucket>& buckets() const { return buckets_; }  // ascending

  // The histogram of a row; an Error where the column was read from damaged bytes and it is none.
  // Required: row < rows().
  Result<Histogram> At(size_t row) const;

  bool operator==(const HistogramColumn&) const = default;

 private:
  friend class HistogramDecoder;

  std::vector<Presence> presence_;
  std::vector<uint64_t> zero_counts_;
  std::vector<double> sums_;
  std::vector<Bucket> buckets_;
};

// Counts, zero counts and sums come back exactly, cumulative or not. Required: at least one tick.
std::string EncodeHistograms(const HistogramColumn& column);

// Replaces what `column` holds. Allocates at most 8 bytes × `max_ticks` × the buckets that a
// Histogram may have (281), and a tenth besides.
Status DecodeHistograms(std::string_view chunk, size_t max_ticks, HistogramColumn& column);
// The same without the sums, which stand at the end: each is NaN. Takes about half the time.
Status DecodeHistogramCounts(std::string_view chunk, size_t max_ticks, HistogramColumn& column);

}  // namespace haidang::store
