#include "collector/store/chunk/histograms.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/collector/chunk/generators.h"

using haidang::Histogram;
using namespace haidang::store;
using haidang::store::testing::Generator;
using haidang::store::testing::Hex;

namespace {

HistogramColumn Decoded(const std::string& chunk, size_t max_ticks) {
  HistogramColumn column;
  const auto status = DecodeHistograms(chunk, max_ticks, column);
  if (!status.ok()) FAIL(status.error().message);
  return column;
}

void Observe(Generator& generator, Histogram& histogram, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    histogram.Observe(generator.OneIn(20) ? 0 : std::exp(generator.Noise() - 2));
  }
}

// Observations of a service through a chunk: cumulative, or those of each interval alone.
std::vector<Histogram> Service(Generator& generator, size_t size, bool cumulative) {
  std::vector<Histogram> histograms;
  Histogram current;
  for (size_t i = 0; i < size; ++i) {
    if (!cumulative || generator.OneIn(150)) current = {};
    Observe(generator, current, generator.OneIn(2) ? 0 : generator.Below(12));
    histograms.push_back(current);
  }
  return histograms;
}

}  // namespace

TEST_CASE("histograms of every tick come back as they were, cumulative or not") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Generator generator(seed);
    const size_t size = 1 + generator.Below(200);
    const auto histograms = Service(generator, size, generator.OneIn(2));
    const auto presence = generator.PresenceOf(size);
    HistogramColumn column;
    for (size_t i = 0; i < size; ++i) {
      if (presence[i] == Presence::kValue) {
        column.Append(histograms[i]);
      } else {
        column.AppendNone(presence[i]);
      }
    }
    INFO("seed " << seed);
    const HistogramColumn decoded = Decoded(EncodeHistograms(column), size);
    REQUIRE(decoded == column);
    size_t row = 0;
    for (size_t i = 0; i < size; ++i) {
      if (presence[i] != Presence::kValue) continue;
      const auto histogram = decoded.At(row++);
      REQUIRE(histogram);
      REQUIRE(*histogram == histograms[i]);
    }
    REQUIRE(row == decoded.rows());
  }
}

TEST_CASE("counts of any size, infinite sums and the outermost buckets come back") {
  HistogramColumn column;
  Histogram histogram;
  column.Append(histogram);
  histogram.Observe(0);
  histogram.Observe(1e-9);
  histogram.Observe(2e-9);
  histogram.Observe(1e300);
  column.Append(histogram);
  histogram.Observe(std::numeric_limits<double>::infinity());
  column.Append(histogram);
  const std::string huge("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0\0", 18);
  column.Append(*Histogram::Decode(huge));
  column.Append({});
  const HistogramColumn decoded = Decoded(EncodeHistograms(column), 5);
  CHECK(decoded == column);
  CHECK(decoded.At(2)->sum() == std::numeric_limits<double>::infinity());
  CHECK(decoded.At(3)->count() == (uint64_t{1} << 63) - 1);
  CHECK(decoded.buckets().back().index == Histogram::kMaxIndex);
}

TEST_CASE("a histogram that nothing was added to takes next to nothing") {
  Generator generator(3);
  Histogram histogram;
  Observe(generator, histogram, 500);
  HistogramColumn column;
  for (int i = 0; i < 480; ++i) column.Append(histogram);
  CHECK(EncodeHistograms(column).size() <= histogram.Encode().size() * 2);
}

TEST_CASE("a service's histograms take a tenth of what they take on the wire") {
  Generator generator(4);
  HistogramColumn column;
  size_t wire = 0;
  for (const Histogram& histogram : Service(generator, 480, true)) {
    wire += histogram.Encode().size();
    column.Append(histogram);
  }
  const size_t size = EncodeHistograms(column).size();
  INFO(size << " bytes of " << wire);
  CHECK(size * 10 <= wire);
}

TEST_CASE("counts without sums are the same counts") {
  Generator generator(5);
  HistogramColumn column, counts;
  for (const Histogram& histogram : Service(generator, 200, false)) column.Append(histogram);
  const std::string chunk = EncodeHistograms(column);
  REQUIRE(DecodeHistogramCounts(chunk, 200, counts).ok());
  CHECK(counts.rows() == column.rows());
  CHECK(counts.presence() == column.presence());
  CHECK(counts.zero_counts() == column.zero_counts());
  CHECK(counts.buckets() == column.buckets());
  for (const double sum : counts.sums()) CHECK(std::isnan(sum));
}

TEST_CASE("damaged histograms and any bytes are histograms or an error, within bounds") {
  HistogramColumn column;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Generator generator(seed);
    HistogramColumn good;
    for (const Histogram& histogram : Service(generator, 30, true)) good.Append(histogram);
    const std::string chunk = generator.OneIn(2) ? "\x31\x20" + generator.Bytes(90)
                                                 : generator.Damaged(EncodeHistograms(good));
    const bool whole = DecodeHistograms(chunk, 64, column).ok();
    HistogramColumn counts;
    if (DecodeHistogramCounts(chunk, 64, counts).ok()) REQUIRE(counts.ticks() <= 64);
    if (!whole) continue;
    REQUIRE(column.ticks() <= 64);
    REQUIRE(Decoded(EncodeHistograms(column), 64).ticks() == column.ticks());
    for (size_t row = 0; row < column.rows(); ++row) static_cast<void>(column.At(row).ok());
  }
  HistogramColumn none;
  none.AppendNone(Presence::kNull);
  const std::string chunk = EncodeHistograms(none);
  CHECK(Decoded(chunk, 1) == none);
  CHECK_FALSE(DecodeHistograms(chunk, 0, column).ok());
  CHECK_FALSE(DecodeHistograms("", 9, column).ok());
}

TEST_CASE("the bytes of histograms are those of docs/store-format.md for ever") {
  HistogramColumn column;
  Histogram histogram;
  column.AppendNone(Presence::kAbsent);
  for (const double value : {0.5, 0.25, 0.0}) {
    histogram.Observe(value);
    column.Append(histogram);
  }
  CHECK(Hex(EncodeHistograms(column)) == "3104f8016000008e5d16a21ed176a771cb480035ce55");
}
