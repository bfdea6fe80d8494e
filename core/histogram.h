#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang {

// A cumulative sparse exponential histogram of non-negative values, growth 2^(1/4): the buckets of
// Prometheus' native histograms at schema 2 and of OTLP's at scale 2. Bucket i holds values in
// (2^((i-1)/4), 2^(i/4)] (Prometheus' indexing); values at or below kZeroThreshold count as zero.
// A quantile is off by at most 10 % of the truth: kMostError.
class Histogram {
 public:
  static constexpr double kZeroThreshold = 1e-9;
  static constexpr int kMinIndex = -120;     // 2^-30; smaller values count in this bucket
  static constexpr int kMaxIndex = 160;      // 2^40; larger values, and infinity, count in this one
  static constexpr double kMostError = 0.1;  // of quantiles, relative, between 2^-30 and 2^40

  // NaN and negative values are ignored.
  void Observe(double value);

  // Adds another histogram's counts to this one.
  void Merge(const Histogram& other);

  // What it gained since it was `before`. Where any count fell it began again, and gained all that
  // it has.
  Histogram Since(const Histogram& before) const;

  uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  uint64_t zero_count() const { return zero_count_; }
  const std::map<int, uint64_t>& buckets() const { return buckets_; }

  // The value below which a share `q` in [0, 1] of the observations lies, to within kMostError; NaN
  // when empty.
  double Quantile(double q) const;

  // Where in bucket `index` the value stands below which a share `share` in [0, 1] of its
  // observations lies: interpolated geometrically, as if they were spread evenly, but never where
  // any value of the bucket could be further off than kMostError.
  static double Within(int index, double share);

  // The share of bucket `index`'s observations that lie at or below `bound`, as if they were spread
  // evenly in it geometrically: a count of those below is off by a part of one bucket.
  static double ShareBelow(int index, double bound);

  // Observations at or below `bound`, counting whole buckets whose upper end is ≤ bound.
  uint64_t CountAtOrBelow(double bound) const;

  // Upper end of bucket `index`: 2^(index/4).
  static double UpperBound(int index);

  // The wire and disk form, described in docs/wire-format.md. Decoding is bounded: at most
  // kMaxIndex - kMinIndex + 1 buckets; anything else is an Error.
  std::string Encode() const;
  static Result<Histogram> Decode(std::string_view bytes);

  bool operator==(const Histogram&) const = default;

 private:
  void Gain(int index, uint64_t count);  // above all that it has

  std::map<int, uint64_t> buckets_;
  uint64_t zero_count_ = 0;
  uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace haidang
