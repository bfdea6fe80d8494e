#include "collector/store/chunk/histograms.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <protozero/buffer_string.hpp>
#include <protozero/varint.hpp>

#include "collector/store/chunk/doubles.h"
#include "collector/store/chunk/format.h"
#include "collector/store/chunk/integers.h"
#include "collector/store/chunk/residuals.h"

namespace haidang::store {
namespace {

constexpr uint64_t kScale = 2;  // growth 2^(1/4), Histogram's
constexpr int kScaleBits = 8;

// One a row: whether anything in it differs from the row before. The first one does.
std::vector<uint8_t> ChangesOf(const HistogramColumn& column) {
  std::vector<uint8_t> changed(column.rows(), 0);
  changed[0] = 1;
  const auto& sums = column.sums();
  const auto& zeros = column.zero_counts();
  for (size_t row = 1; row < column.rows(); ++row) {
    const bool same_sum =
        std::bit_cast<uint64_t>(sums[row]) == std::bit_cast<uint64_t>(sums[row - 1]);
    changed[row] = !same_sum || zeros[row] != zeros[row - 1] ? 1 : 0;
  }
  for (const auto& bucket : column.buckets()) {
    for (size_t row = 1; row < column.rows(); ++row) {
      if (bucket.counts[row] != bucket.counts[row - 1]) changed[row] = 1;
    }
  }
  return changed;
}

// The first row is no mark: it always changes.
template <typename Coder>
void CodeChanges(Coder& coder, std::vector<uint8_t>& changed) {
  Marks<1> marks;
  for (size_t row = 1; row < changed.size(); ++row) changed[row] = marks.Code(coder, changed[row]);
}

// Only the rows that changed are written, and repeated when they are read.
template <typename Value>
void Pick(const std::vector<Value>& rows, const std::vector<uint8_t>& changed, auto& picked) {
  picked.clear();
  for (size_t row = 0; row < rows.size(); ++row) {
    if (changed[row] != 0)
      picked.push_back(static_cast<std::decay_t<decltype(picked[0])>>(rows[row]));
  }
}
template <typename Value>
void Repeat(const auto& picked, const std::vector<uint8_t>& changed, std::vector<Value>& rows) {
  rows.resize(changed.size());
  size_t next = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (changed[row] != 0) ++next;
    rows[row] = static_cast<Value>(picked[next - 1]);
  }
}

// Which buckets any row has.
template <typename Coder>
void CodeIndexes(Coder& coder, std::vector<HistogramColumn::Bucket>& buckets, bool decoding) {
  Marks<1> marks;
  size_t next = 0;
  for (int index = Histogram::kMinIndex; index <= Histogram::kMaxIndex; ++index) {
    const bool given = !decoding && next < buckets.size() && buckets[next].index == index;
    if (given) ++next;
    if (marks.Code(coder, given ? 1 : 0) != 0 && decoding) buckets.push_back({index, {}});
  }
}

}  // namespace

void HistogramColumn::Append(const Histogram& histogram) {
  presence_.push_back(Presence::kValue);
  zero_counts_.push_back(histogram.zero_count());
  sums_.push_back(histogram.sum());
  for (auto& bucket : buckets_) bucket.counts.push_back(0);
  auto at = buckets_.begin();
  for (const auto& [index, count] : histogram.buckets()) {
    while (at != buckets_.end() && at->index < index) ++at;
    if (at == buckets_.end() || at->index != index) {
      at = buckets_.insert(at, Bucket{index, std::vector<uint64_t>(rows(), 0)});
    }
    at->counts.back() = count;
  }
}

void HistogramColumn::AppendNone(Presence presence) { presence_.push_back(presence); }

void HistogramColumn::AppendRows(const HistogramColumn& other, size_t first, size_t count) {
  const size_t before = rows();
  const auto append = [&](auto& to, const auto& from) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  presence_.insert(presence_.end(), count, Presence::kValue);
  append(zero_counts_, other.zero_counts_);
  append(sums_, other.sums_);
  auto at = buckets_.begin();
  for (const Bucket& bucket : other.buckets_) {
    const auto begin = bucket.counts.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    if (std::all_of(begin, end, [](uint64_t counted) { return counted == 0; })) continue;
    while (at != buckets_.end() && at->index < bucket.index) ++at;
    if (at == buckets_.end() || at->index != bucket.index) {
      at = buckets_.insert(at, Bucket{bucket.index, std::vector<uint64_t>(before, 0)});
    }
    append(at->counts, bucket.counts);
  }
  for (Bucket& bucket : buckets_) bucket.counts.resize(rows(), 0);
}

Result<Histogram> HistogramColumn::At(size_t row) const {
  std::string wire(1, '\1');
  protozero::add_varint_to_buffer(&wire, zero_counts_[row]);
  const auto bits = std::bit_cast<uint64_t>(sums_[row]);
  for (int shift = 0; shift < 64; shift += 8) wire += static_cast<char>(bits >> shift & 0xFF);
  int previous = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.counts[row] == 0) continue;
    protozero::add_varint_to_buffer(&wire, protozero::encode_zigzag64(bucket.index - previous));
    protozero::add_varint_to_buffer(&wire, bucket.counts[row]);
    previous = bucket.index;
  }
  return Histogram::Decode(wire);
}

std::string EncodeHistograms(const HistogramColumn& column) {
  std::string chunk = BeginChunk(ChunkFormat::kHistograms1, column.ticks());
  RangeEncoder coder(chunk);
  EncodePresence(coder, column.presence());
  if (column.rows() > 0) {
    coder.Raw(kScale, kScaleBits);
    std::vector<uint8_t> changed = ChangesOf(column);
    CodeChanges(coder, changed);
    auto buckets = column.buckets();
    CodeIndexes(coder, buckets, false);
    Residuals model;
    std::vector<int64_t> counts;
    const auto write = [&](const std::vector<uint64_t>& rows) {
      Pick(rows, changed, counts);
      EncodeIntegers(coder, PlanIntegers(counts), counts, model);
    };
    write(column.zero_counts());
    for (const auto& bucket : column.buckets()) write(bucket.counts);
    std::vector<double> sums;
    Pick(column.sums(), changed, sums);
    EncodeDoubles(coder, PlanDoubles(sums), sums);
  }
  coder.Finish();
  return chunk;
}

// Takes a chunk apart, as EncodeHistograms put it together.
class HistogramDecoder {
 public:
  explicit HistogramDecoder(HistogramColumn& column) : column_(column) {}

  Status Decode(std::string_view chunk, size_t max_ticks, bool sums) {
    const auto ticks = TakeBegin(chunk, ChunkFormat::kHistograms1, max_ticks);
    if (!ticks) return ticks.error();
    column_ = {};
    RangeDecoder coder(chunk);
    const size_t rows = DecodePresence(coder, *ticks, column_.presence_);
    if (column_.presence_.empty()) column_.presence_.assign(*ticks, Presence::kValue);
    if (rows > 0) {
      if (coder.Raw(0, kScaleBits) != kScale) return Damaged("its scale is not 2; damaged");
      std::vector<uint8_t> changed(rows, 1);
      CodeChanges(coder, changed);
      Counts(coder, changed);
      if (!sums) {
        column_.sums_.assign(rows, std::numeric_limits<double>::quiet_NaN());
        return {};
      }
      if (!Sums(coder, changed)) return Damaged("its sums are coded in no known way; damaged");
    }
    if (!coder.Ended()) return Damaged("something follows its end; damaged");
    return {};
  }

 private:
  static Error Damaged(const char* what) { return DamagedChunk(ChunkFormat::kHistograms1, what); }

  void Counts(RangeDecoder& coder, const std::vector<uint8_t>& changed) {
    CodeIndexes(coder, column_.buckets_, true);
    Residuals model;
    std::vector<int64_t> counts(static_cast<size_t>(std::count(changed.begin(), changed.end(), 1)));
    const auto read = [&](std::vector<uint64_t>& into) {
      DecodeIntegers(coder, counts, model);
      Repeat(counts, changed, into);
    };
    read(column_.zero_counts_);
    for (auto& bucket : column_.buckets_) read(bucket.counts);
  }

  bool Sums(RangeDecoder& coder, const std::vector<uint8_t>& changed) {
    std::vector<double> sums(static_cast<size_t>(std::count(changed.begin(), changed.end(), 1)));
    if (!DecodeDoubles(coder, sums)) return false;
    Repeat(sums, changed, column_.sums_);
    return true;
  }

  HistogramColumn& column_;
};

Status DecodeHistograms(std::string_view chunk, size_t max_ticks, HistogramColumn& column) {
  return HistogramDecoder(column).Decode(chunk, max_ticks, true);
}

Status DecodeHistogramCounts(std::string_view chunk, size_t max_ticks, HistogramColumn& column) {
  return HistogramDecoder(column).Decode(chunk, max_ticks, false);
}

}  // namespace haidang::store
