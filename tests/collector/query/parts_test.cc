#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "collector/store/query/budget.h"
#include "collector/store/query/histogram_steps.h"
#include "collector/store/query/level_walk.h"
#include "collector/store/query/match.h"
#include "collector/store/query/number_steps.h"
#include "collector/store/query/selection.h"
#include "collector/store/query/step_grid.h"
#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::store;

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

bool Same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

TEST_CASE("a glob matches whole texts") {
  for (const auto& [glob, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                  {"*", ""},
                                                                  {"*", "anything"},
                                                                  {"a*", "a"},
                                                                  {"a*c", "abbc"},
                                                                  {"a*b*c", "axbyc"},
                                                                  {"?", "x"},
                                                                  {"?", "ư"},
                                                                  {"P*g", "Phường"},
                                                                  {"Ph??ng", "Phường"},
                                                                  {"**a**", "bab"},
                                                                  {"*.vn", "a.b.vn"},
                                                                  {"*aab", "aaaab"}}) {
    INFO(glob << " " << text);
    CHECK(GlobMatches(glob, text));
  }
  for (const auto& [glob, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", "a"},
                                                                  {"?", ""},
                                                                  {"?", "xy"},
                                                                  {"a", "A"},
                                                                  {"a*", "ba"},
                                                                  {"*a", "ab"},
                                                                  {"a?c", "ac"},
                                                                  {"Ph?ng", "Phường"},
                                                                  {"[a]", "a"}}) {
    INFO(glob << " " << text);
    CHECK_FALSE(GlobMatches(glob, text));
  }
}

TEST_CASE("a glob full of stars costs no more than the product of the lengths") {
  std::string glob;
  for (int i = 0; i < 250; ++i) glob += "*a";
  CHECK_FALSE(GlobMatches(glob + "b", std::string(8000, 'a')));
}

TEST_CASE("matchers are parsed, and what is none is said") {
  const auto parsed = [](const char* text) {
    auto matcher = ParseMatcher(text);
    REQUIRE(matcher);
    return *matcher;
  };
  CHECK(parsed("site=06652").pattern == "06652");
  CHECK(parsed("site!=").kind == Matcher::Kind::kNotEqual);
  CHECK(parsed("a_1~x=y~z").pattern == "x=y~z");
  CHECK(parsed("a!~*").kind == Matcher::Kind::kNotGlob);
  CHECK(parsed("a==b").pattern == "=b");
  for (const std::string& text :
       {std::string(), std::string("site"), std::string("=x"), std::string("1a=x"),
        std::string("a!x"), std::string("a b=c"), std::string("a<1"), "a=" + std::string(513, 'x'),
        std::string(129, 'a') + "=x", std::string("a=\xFF")}) {
    const auto matcher = ParseMatcher(text);
    REQUIRE_FALSE(matcher);
    CHECK_FALSE(matcher.error().message.empty());
  }
}

TEST_CASE("steps lie on the grid of UTC") {
  const StepGrid grid(61'000, 180'000, 60'000);
  CHECK(grid.begin_ms() == 60'000);
  CHECK(grid.count() == 3);
  CHECK(grid.end_ms() == 240'000);
  CHECK(grid.StepOf(119'999) == 0);
  CHECK(grid.StepOf(120'000) == 1);
  CHECK_FALSE(grid.Has(59'999));
  CHECK_FALSE(grid.Has(240'000));
  CHECK(StepGrid::Floor(-1, 1000) == -1000);
  CHECK(StepGrid(5, 5, 10).count() == 1);
}

TEST_CASE("a counter gains from one known value to the next, and none over a hole") {
  Gains gains;
  CHECK(std::isnan(gains.At(0, 10).increase));
  CHECK(gains.At(15'000, 12).increase == 2);
  CHECK(gains.At(15'000 + kBridgeMs, 15).increase == 3);
  const int64_t after = 15'000 + 2 * kBridgeMs + 1;
  CHECK(std::isnan(gains.At(after, 18).increase));
  const Gain again = gains.At(after + 1000, 4);  // it began again
  CHECK(again.increase == 4);
  CHECK(again.over_ms == 1000);
}

TEST_CASE("the rate is what was gained by the time that it took, not by the step") {
  const StepGrid grid(0, 119'999, 60'000);
  NumberSteps steps(grid, Function::kRate);
  Gains gains;
  for (int64_t t = 40'000; t < 90'000; t += 10'000) {
    const auto value = static_cast<double>(t) / 1000 * 3;
    steps.Add(t, value, gains.At(t, value));
  }
  CHECK(Same(steps.Finish(), {3, 3}));
}

TEST_CASE("the rate of a roll-up is by the share of its bucket in which the value was known") {
  CHECK(Same(KnownMs(std::vector<double>{20, 20, 10}, 300'000), {300'000, 300'000, 150'000}));
  std::vector<double> slower(40, 60);
  slower.resize(80, 240);  // the interval changed
  const auto known = KnownMs(slower, 3'600'000);
  CHECK(known == std::vector<double>(80, 3'600'000));
  std::reverse(slower.begin(), slower.end());
  CHECK(KnownMs(slower, 3'600'000) == std::vector<double>(80, 3'600'000));
  CHECK(Same(KnownMs(std::vector<double>{20, 20, 8, 5, 20, 20}, 300'000),
             {300'000, 300'000, 120'000, 75'000, 300'000, 300'000}));
  CHECK(KnownMs({}, 1).empty());
  NumberRollup rollup{{0, 300'000}, {20, 10}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {600, 300}};
  const StepGrid grid(0, 599'999, 300'000);
  NumberSteps steps(grid, Function::kRate);
  const auto shares = KnownMs(rollup.count, 300'000);
  for (size_t i = 0; i < 2; ++i) steps.Add(rollup, i, shares[i]);
  CHECK(Same(steps.Finish(), {2, 2}));
}

TEST_CASE("first and last stay whichever comes first, unknown steps unknown") {
  const StepGrid grid(0, 29, 10);
  for (const Function function : {Function::kFirst, Function::kLast}) {
    NumberSteps steps(grid, function);
    for (const int64_t t : {5, 2, 7, 22}) steps.Add(t, static_cast<double>(t), {});
    CHECK(Same(steps.Finish(), {function == Function::kFirst ? 2.0 : 7.0, kUnknown, 22}));
  }
  NumberSteps increase(grid, Function::kIncrease);
  Gains gains;
  increase.Add(5, 1, gains.At(5, 1));
  CHECK(Same(increase.Finish(), {kUnknown, kUnknown, kUnknown}));
}

TEST_CASE("quantiles of steps are those of the histograms that they gained") {
  std::mt19937_64 random(5);
  const QueryControl control;
  Budget budget(control, nullptr);
  const StepGrid grid(0, 199, 10);
  HistogramSteps steps(grid, budget);
  std::vector<Histogram> expected(grid.count());
  HistogramRollup rollup;
  for (size_t i = 0; i < grid.count(); ++i) {
    Histogram histogram;
    for (uint64_t n = random() % 40; n > 0; --n) {
      const auto value = static_cast<double>(random() % 100'000) / 1000;
      histogram.Observe(random() % 6 == 0 ? 0 : value);
    }
    rollup.begins_ms.push_back(grid.TimeOf(i));
    rollup.increase.Append(histogram);
    expected[i].Merge(histogram);
    if (random() % 2 == 0) continue;
    Histogram before = expected[0], after = before;
    after.Merge(histogram);
    steps.Add(grid.TimeOf(i), &before, after);
    expected[i].Merge(histogram);
  }
  steps.Add(rollup, 0, INT64_MAX);
  for (const double q : {0.0, 0.01, 0.5, 0.95, 0.99, 1.0}) {
    const auto values = steps.Values(Function::kQuantile, q);
    for (size_t i = 0; i < values.size(); ++i) {
      const double wanted = expected[i].Quantile(q);
      CHECK(((std::isnan(wanted) && std::isnan(values[i])) || values[i] == Approx(wanted)));
    }
  }
  const auto counts = steps.Values(Function::kIncrease, 0), means = steps.Values(Function::kAvg, 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto count = static_cast<double>(expected[i].count());
    CHECK(counts[i] == count);
    if (count > 0) CHECK(means[i] == Approx(expected[i].sum() / count));
  }
}

TEST_CASE("histograms that are decoded once for each change gain what those in between gained") {
  const QueryControl control;
  Budget budget(control, nullptr);
  const StepGrid grid(0, 599'999, 60'000);
  HistogramSteps steps(grid, budget);
  HistogramGains gains;
  Histogram histogram;
  histogram.Observe(1);
  const std::string first = histogram.Encode();
  histogram.Observe(2);
  const std::string second = histogram.Encode();
  gains.At(0, first, &steps);
  gains.At(15'000, first, &steps);
  gains.At(30'000, second, &steps);
  gains.At(60'000, second, nullptr);
  gains.At(90'000, first, &steps);                   // it began again
  gains.At(90'000 + kBridgeMs, first, &steps);       // stands still
  gains.At(91'000 + 2 * kBridgeMs, second, &steps);  // after a hole, and beyond the grid
  const auto counts = steps.Values(Function::kIncrease, 0);
  CHECK(counts[0] == 1);
  CHECK(counts[1] == 1);
  CHECK(std::isnan(counts[2]));
  CHECK(counts[6] == 0);
  CHECK(std::isnan(steps.Values(Function::kQuantile, 0.5)[6]));
}

TEST_CASE("what is covered is taken out of what is left") {
  const std::vector<Stretch> all{{0, 100}, {200, 300}};
  CHECK(Without(all, {}) == all);
  CHECK(Without(all, {{0, 300}}).empty());
  CHECK(Without(all, {{10, 20}, {30, 40}, {90, 210}, {299, 400}}) ==
        std::vector<Stretch>{{0, 10}, {20, 30}, {40, 90}, {210, 299}});
  CHECK(Without({}, all).empty());
}

TEST_CASE("a budget says which bound was met and what to do") {
  haidang::testing::FakeClock clock;
  std::atomic<bool> cancelled = false;
  QueryControl control;
  control.cancelled = [&] { return cancelled.load(); };
  control.bounds.points = 10;
  control.bounds.cells = 5;
  Budget budget(control, &clock);
  CHECK(budget.Going());
  CHECK(budget.Points(10));
  CHECK(budget.TakeCells(5));
  budget.GiveCells(5);
  CHECK(budget.TakeCells(5));
  CHECK(budget.refused().empty());
  CHECK_FALSE(budget.Points(1));
  CHECK(budget.refused().find("10 points; ask for") != std::string::npos);
  CHECK_FALSE(Budget(control, &clock).TakeCells(6));
  Budget late(control, &clock);
  clock.Advance(std::chrono::milliseconds(10'001));
  CHECK_FALSE(late.Going());
  CHECK(late.refused().find("10000 ms") != std::string::npos);
  Budget stopped(control, nullptr);
  cancelled = true;
  CHECK_FALSE(stopped.Going());
  CHECK(stopped.refused().find("cancelled") != std::string::npos);
}

TEST_CASE("own labels that are called as places are told under another name") {
  CHECK(ToldLabels({{"site", "x"}, {"disk", "/"}}) ==
        Labels{{"exported_site", "x"}, {"disk", "/"}});
  CHECK(ToldLabels({{"site", "x"}, {"exported_site", "y"}}) ==
        Labels{{"exported_exported_site", "x"}, {"exported_site", "y"}});
}

TEST_CASE("the machine's place at a time is found forwards and backwards") {
  Selected selected;
  selected.stretches = {{10, 20, {"A", "", ""}}, {30, 40, {"B", "", ""}}};
  size_t hint = 0;
  CHECK(selected.At(5, hint) == nullptr);
  CHECK(selected.At(10, hint)->place.site == "A");
  CHECK(selected.At(20, hint) == nullptr);
  CHECK(selected.At(39, hint)->place.site == "B");
  CHECK(selected.At(40, hint) == nullptr);
  CHECK(selected.At(15, hint)->place.site == "A");
}
