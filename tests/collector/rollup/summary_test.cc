#include "collector/store/rollup/summary.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using namespace haidang;
using namespace haidang::store;

namespace {

using Column = std::vector<double>;
constexpr int64_t kMinute = 60'000;
constexpr int64_t kBucket = 5 * kMinute;

Histogram Of(std::initializer_list<double> values) {
  Histogram histogram;
  for (const double value : values) histogram.Observe(value);
  return histogram;
}

Histogram Row(const HistogramRollup& rollup, size_t row) {
  auto histogram = rollup.increase.At(row);
  REQUIRE(histogram);
  return *histogram;
}

}  // namespace

TEST_CASE("a bucket holds what its ticks had, and its edges belong to the later one") {
  NumberSummer summer(0, false);
  summer.See(0, 3);
  summer.See(kBucket - 1, 5);
  summer.See(kBucket, -2.5);
  summer.See(3 * kBucket, 7);
  const NumberRollup& r = summer.rollup();
  CHECK(r.begins_ms == std::vector<int64_t>{0, kBucket, 3 * kBucket});
  CHECK(r.count == Column{2, 1, 1});
  CHECK(r.sum == Column{8, -2.5, 7});
  CHECK(r.min == Column{3, -2.5, 7});
  CHECK(r.max == Column{5, -2.5, 7});
  CHECK(r.first == Column{3, -2.5, 7});
  CHECK(r.last == Column{5, -2.5, 7});
  for (const double increase : r.increase) CHECK(std::isnan(increase));
}

TEST_CASE("times before 1970 have buckets of five minutes as well") {
  CHECK(BeginOf(-1, kBucket) == -kBucket);
  CHECK(BeginOf(-kBucket, kBucket) == -kBucket);
  CHECK(BeginOf(kBucket - 1, kBucket) == 0);
}

TEST_CASE("an increase counts to the bucket in which it is seen, and goes on over the edge") {
  NumberSummer summer(kBucket, true);
  summer.See(kBucket - kMinute, 10);  // before the window: only what follows goes on from it
  summer.See(kBucket, 12);
  summer.See(kBucket + kMinute, 15);
  summer.See(2 * kBucket, 15.5);
  const NumberRollup& r = summer.rollup();
  CHECK(r.begins_ms == std::vector<int64_t>{kBucket, 2 * kBucket});
  CHECK(r.increase == Column{5, 0.5});
}

TEST_CASE("without a value before it, the first value has increased by nothing") {
  NumberSummer summer(0, true);
  summer.See(kMinute, 1000);
  summer.See(2 * kMinute, 1001);
  CHECK(summer.rollup().increase == Column{1});
}

TEST_CASE("a counter that falls began again at 0") {
  NumberSummer summer(0, true);
  summer.See(0, 100);
  summer.See(kMinute, 110);    // 10
  summer.See(2 * kMinute, 4);  // 4
  summer.See(3 * kMinute, 6);  // 2
  summer.See(4 * kMinute, 1);  // 1
  summer.See(kBucket, 0);      // at the edge: 0
  summer.See(6 * kMinute, 8);  // 8
  summer.See(2 * kBucket, 3);  // 3
  CHECK(summer.rollup().increase == Column{17, 8, 3});
}

TEST_CASE("over a hole of five minutes a counter goes on, over a longer one it is not known") {
  NumberSummer summer(0, true);
  summer.See(0, 100);
  summer.See(kBridgeMs, 110);          // bridged: to the second bucket
  summer.See(2 * kBridgeMs + 1, 150);  // not
  summer.See(2 * kBridgeMs + kMinute, 151);
  const Column& increase = summer.rollup().increase;
  REQUIRE(increase.size() == 3);
  CHECK(std::isnan(increase[0]));  // nothing led to it
  CHECK(increase[1] == 10);
  CHECK(increase[2] == 1);
}

TEST_CASE("a hole within a bucket of another kind of time ends a run") {
  // The value was last known just before the hole, and again in the same bucket as after it.
  NumberSummer summer(0, true);
  summer.See(-kBridgeMs - 1, 5);
  summer.See(0, 100);
  summer.See(1, 101);
  CHECK(summer.rollup().increase == Column{1});
}

TEST_CASE("sums of decimals are decimals") {
  NumberSummer summer(0, false);
  for (int i = 0; i < 20; ++i) summer.See(i * 15'000, 0.37);
  CHECK(summer.rollup().sum == Column{20 * 0.37});
  NumberSummer tenths(0, false);
  for (int i = 0; i < 10; ++i) tenths.See(i, 0.1);
  CHECK(tenths.rollup().sum == Column{1.0});
}

TEST_CASE("sums that no double holds are infinite, not NaN") {
  const double most = std::numeric_limits<double>::max();
  NumberSummer summer(0, false);
  summer.See(0, most);
  summer.See(1, most);
  summer.See(2, 1);
  CHECK(summer.rollup().sum == Column{std::numeric_limits<double>::infinity()});
}

TEST_CASE("a histogram's gain is what came to it") {
  HistogramSummer summer(kBucket);
  Histogram histogram = Of({1, 2});
  summer.See(kBucket - 1000, histogram.Encode());
  summer.See(kBucket, histogram.Encode());
  histogram.Observe(2);
  summer.See(kBucket + 1000, histogram.Encode());
  histogram.Observe(0);
  histogram.Observe(64);
  summer.See(2 * kBucket, histogram.Encode());
  summer.See(2 * kBucket + 1, "no histogram");
  const HistogramRollup r = summer.Take();
  REQUIRE(r.begins_ms == std::vector<int64_t>{kBucket, 2 * kBucket});
  REQUIRE(r.increase.ticks() == 2);
  REQUIRE(r.increase.rows() == 2);
  CHECK(Row(r, 0) == Of({2}));
  CHECK(Row(r, 1) == Of({0, 64}));
}

TEST_CASE("a histogram of which any count fell began again, and a long hole is in no gain") {
  HistogramSummer summer(0);
  summer.See(0, Of({1, 1, 8}).Encode());
  summer.See(1000, Of({1, 8, 8, 8}).Encode());  // more in all, but a bucket fell
  summer.See(2000, Of({0, 1, 8, 8, 8}).Encode());
  summer.See(3000, Of({8}).Encode());
  summer.See(kBucket + 4000, Of({8, 8}).Encode());
  summer.See(2 * kBucket, Of({8, 8}).Encode());
  const HistogramRollup r = summer.Take();
  REQUIRE(r.begins_ms == std::vector<int64_t>{0, 2 * kBucket});  // of the other one it is unknown
  CHECK(Row(r, 0) == Of({1, 8, 8, 8, 0, 8}));
  CHECK(Row(r, 1) == Histogram());
}

TEST_CASE("a histogram that a zero count fell in began again") {
  CHECK(Of({0, 1}).Since(Of({0, 0})) == Of({0, 1}));
  CHECK(Of({0, 0, 1}).Since(Of({0})) == Of({0, 1}));
  CHECK(Of({4}).Since(Of({1})) == Of({4}));
  CHECK(Of({1, 4}).Since(Of({1, 4})) == Histogram());
  CHECK(Of({1, 4, 16}).Since({}) == Of({1, 4, 16}));
}

TEST_CASE("hours say what their five minutes do") {
  NumberSummer summer(0, true);
  for (int i = 0; i < 300; ++i) summer.See(i * kMinute, (i * 37 % 50) * 0.25);
  const NumberRollup& fine = summer.rollup();
  const NumberRollup hours = ByHour(fine);
  REQUIRE(hours.begins_ms.size() == 5);
  for (size_t hour = 0; hour < 5; ++hour) {
    double count = 0, sum = 0, increase = 0, min = 1e9, max = -1e9;
    for (size_t i = hour * 12; i < hour * 12 + 12; ++i) {
      count += fine.count[i];
      sum += fine.sum[i];
      increase += fine.increase[i];
      min = std::min(min, fine.min[i]);
      max = std::max(max, fine.max[i]);
    }
    CHECK(hours.begins_ms[hour] == static_cast<int64_t>(hour) * 60 * kMinute);
    CHECK(hours.count[hour] == count);
    CHECK(hours.sum[hour] == sum);
    CHECK(hours.increase[hour] == increase);
    CHECK(hours.min[hour] == min);
    CHECK(hours.max[hour] == max);
    CHECK(hours.first[hour] == fine.first[hour * 12]);
    CHECK(hours.last[hour] == fine.last[hour * 12 + 11]);
  }
}

TEST_CASE("hours of histograms hold what their five minutes gained") {
  HistogramSummer summer(0);
  Histogram histogram;
  for (int i = 0; i < 25; ++i) {
    histogram.Observe(i);
    summer.See(i * kBucket, histogram.Encode());
  }
  auto hours = ByHour(summer.Take());
  REQUIRE(hours);
  REQUIRE(hours->begins_ms.size() == 3);
  CHECK(Row(*hours, 0) == Of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  CHECK(Row(*hours, 1).count() == 12);
  CHECK(Row(*hours, 2) == Of({24}));
}
