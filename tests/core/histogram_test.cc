#include "core/histogram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using haidang::Histogram;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

int OnlyBucket(double value) {
  Histogram histogram;
  histogram.Observe(value);
  REQUIRE(histogram.buckets().size() == 1);
  return histogram.buckets().begin()->first;
}

}  // namespace

TEST_CASE("bucket i holds (2^((i-1)/4), 2^(i/4)], ends exact") {
  for (int index = Histogram::kMinIndex + 1; index < Histogram::kMaxIndex; ++index) {
    const double bound = Histogram::UpperBound(index);
    CHECK(bound == Approx(std::exp2(index / 4.0)).epsilon(1e-14));
    CHECK(OnlyBucket(bound) == index);
    CHECK(OnlyBucket(std::nextafter(bound, kInfinity)) == index + 1);
  }
  CHECK(Histogram::UpperBound(0) == 1);
  CHECK(Histogram::UpperBound(4) == 2);
  CHECK(Histogram::UpperBound(-4) == 0.5);
}

TEST_CASE("what lies outside counts in the first or last bucket, or not at all") {
  CHECK(OnlyBucket(2e-9) >= Histogram::kMinIndex);
  CHECK(OnlyBucket(1e300) == Histogram::kMaxIndex);
  CHECK(OnlyBucket(kInfinity) == Histogram::kMaxIndex);
  Histogram histogram;
  histogram.Observe(-1);
  histogram.Observe(std::nan(""));
  CHECK(histogram.count() == 0);
  histogram.Observe(0);
  histogram.Observe(Histogram::kZeroThreshold);
  CHECK(histogram.zero_count() == 2);
  CHECK(histogram.buckets().empty());
  CHECK(histogram.Quantile(0.5) == 0);
}

constexpr double kMostError = Histogram::kMostError + 1e-12;  // as doubles are rounded

TEST_CASE("quantiles lie within 10 % of the truth") {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> spread(-1, 1.5);
  std::lognormal_distribution<double> narrow(-1, 0.01);
  const auto steps = [&](auto& engine) { return 0.2 + 0.5 * static_cast<double>(engine() % 2); };
  const auto check = [&](const auto& next) {
    Histogram histogram;
    std::vector<double> values;
    for (int i = 0; i < 10000; ++i) {
      values.push_back(next());
      histogram.Observe(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const double truth = values[static_cast<size_t>(q * 9999)];
      CHECK(std::abs(histogram.Quantile(q) / truth - 1) <= kMostError);
    }
    CHECK(histogram.Quantile(2) == histogram.Quantile(1));
    CHECK(std::isnan(histogram.Quantile(std::nan(""))));
  };
  check([&] { return spread(random); });
  check([&] { return narrow(random); });
  check([&] { return steps(random); });
  CHECK(std::isnan(Histogram{}.Quantile(0.5)));
}

TEST_CASE("a quantile is within 10 % wherever in its bucket the values stand") {
  for (const double place : {1e-6, 0.25, 0.5, 0.75, 1.0}) {
    Histogram histogram;
    const double value = std::exp2(place / 4);  // bucket 1: (1, 2^(1/4)]
    for (int i = 0; i < 100; ++i) histogram.Observe(value);
    for (const double q : {0.0, 0.05, 0.5, 0.95, 1.0}) {
      CHECK(std::abs(histogram.Quantile(q) / value - 1) <= kMostError);
    }
  }
}

TEST_CASE("a quantile is interpolated geometrically in the middle of its bucket") {
  Histogram histogram;
  for (int i = 0; i < 4; ++i) histogram.Observe(1.1);  // bucket 1: (1, 2^(1/4)]
  CHECK(histogram.Quantile(0.5) == Approx(std::exp2(0.125)));
  CHECK(histogram.Quantile(0.01) == Approx(0.9 * std::exp2(0.25)));
  CHECK(histogram.Quantile(1) == Approx(1.1));
}

TEST_CASE("counts at or below a bound take whole buckets") {
  Histogram histogram;
  for (const double value : {0.0, 0.5, 1.0, 1.5, 3.0, 1e15}) histogram.Observe(value);
  CHECK(histogram.CountAtOrBelow(-1) == 0);
  CHECK(histogram.CountAtOrBelow(0) == 1);
  CHECK(histogram.CountAtOrBelow(1) == 3);
  CHECK(histogram.CountAtOrBelow(2) == 4);
  CHECK(histogram.CountAtOrBelow(1e14) == 5);
  CHECK(histogram.CountAtOrBelow(kInfinity) == 6);
  CHECK(histogram.CountAtOrBelow(std::nan("")) == 0);
}

TEST_CASE("merging is as if all had been observed by one") {
  std::mt19937_64 random(4);
  std::lognormal_distribution<double> seconds(-1, 2);
  Histogram one, left, right;
  for (int i = 0; i < 1000; ++i) {
    const double value = i % 10 == 0 ? 0 : seconds(random);
    one.Observe(value);
    (i % 3 == 0 ? left : right).Observe(value);
  }
  left.Merge(right);
  CHECK(left.count() == one.count());
  CHECK(left.zero_count() == one.zero_count());
  CHECK(left.buckets() == one.buckets());
  CHECK(left.sum() == Approx(one.sum()));
}

TEST_CASE("histograms survive encoding, whatever they hold") {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> any(0, 8);
  for (int round = 0; round < 200; ++round) {
    Histogram histogram;
    for (uint64_t n = random() % 50; n > 0; --n) histogram.Observe(random() % 9 ? any(random) : 0);
    const auto decoded = Histogram::Decode(histogram.Encode());
    REQUIRE(decoded);
    CHECK(*decoded == histogram);
  }
}

TEST_CASE("the encoding is the documented one") {
  Histogram histogram;
  histogram.Observe(0);
  histogram.Observe(1);
  histogram.Observe(1);
  histogram.Observe(0.5);
  const std::string expected("\x01\x01\x00\x00\x00\x00\x00\x00\x04\x40\x07\x01\x08\x02", 14);
  CHECK(histogram.Encode() == expected);
}

TEST_CASE("bad histograms are refused") {
  const std::string sum(8, '\0');
  const std::string head = std::string("\x01\x00", 2) + sum;
  CHECK(Histogram::Decode(head));
  CHECK_FALSE(Histogram::Decode(""));
  CHECK_FALSE(Histogram::Decode("\x02" + head.substr(1)));                    // version
  CHECK_FALSE(Histogram::Decode(head.substr(0, 9)));                          // cut
  CHECK_FALSE(Histogram::Decode(head + std::string("\x02", 1)));              // no count
  CHECK_FALSE(Histogram::Decode(head + std::string("\x02\x00", 2)));          // empty bucket
  CHECK_FALSE(Histogram::Decode(head + "\x02\x01\x01\x01"));                  // descending
  CHECK_FALSE(Histogram::Decode(head + std::string("\x02\x01\x00\x01", 4)));  // twice
  CHECK_FALSE(Histogram::Decode(head + "\xC2\x02\x01"));                      // index 161
  const std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
  CHECK_FALSE(Histogram::Decode(head + "\x02" + huge + "\x02\x01"));  // counts overflow
  CHECK_FALSE(Histogram::Decode(head + huge + "\x01"));               // index overflow
  const std::string nan("\x01\x01\x00\x00\x00\x00\x00\x00\xF8\x7F", 10);
  CHECK_FALSE(Histogram::Decode(nan));
  const std::string negative("\x01\x01\x00\x00\x00\x00\x00\x00\xF0\xBF", 10);
  CHECK_FALSE(Histogram::Decode(negative));
}
