#include "collector/store/range_set.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

using haidang::store::NumberRange;
using haidang::store::RangeSet;

TEST_CASE("an empty set has nothing and misses everything") {
  const RangeSet set;
  CHECK_FALSE(set.Contains(1));
  CHECK(set.Cumulative() == 0);
  CHECK(set.Missing(1, 3) == std::vector<NumberRange>{{1, 3}});
  CHECK(set.AddsRange(5));
}

TEST_CASE("adding extends, joins and swallows ranges, and says which rows of a table go") {
  RangeSet set;
  CHECK(set.Add(1).start == 1);
  CHECK(set.Add(2).start == 1);
  CHECK(set.Add(5).start == 5);
  CHECK(set.Cumulative() == 2);
  CHECK_FALSE(set.AddsRange(4));
  const auto joined = set.Add(3, 4);
  CHECK(joined.start == 1);
  CHECK(joined.removed == std::vector<uint64_t>{5});
  CHECK(set.Cumulative() == 5);
  set.Add(10, 12);
  const auto lowered = set.Add(9);
  CHECK(lowered.start == 9);
  CHECK(lowered.removed == std::vector<uint64_t>{10});
  CHECK(set.Missing(4, 14) == std::vector<NumberRange>{{6, 8}, {13, 14}});
  REQUIRE(set.StartingAt(9) != nullptr);
  CHECK(set.StartingAt(9)->last == 12);
  CHECK(set.StartingAt(10) == nullptr);
}

TEST_CASE("what a table held is merged and its nonsense left out") {
  const RangeSet set({{7, 9}, {0, 4}, {1, 2}, {9, 8}, {3, 3}, {8, 12}});
  CHECK(set == RangeSet({{1, 3}, {7, 12}}));
}

TEST_CASE("a range set agrees with a set of numbers, and a table that follows it with both") {
  std::mt19937_64 random(20260105);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::set<uint64_t> model;
    std::map<uint64_t, uint64_t> table;
    for (int i = 0; i < 60; ++i) {
      const uint64_t first = 1 + random() % 80,
                     last = first + (random() % 4 == 0 ? random() % 9 : 0);
      for (uint64_t n = first; n <= last; ++n) model.insert(n);
      const RangeSet::Change change = set.Add(first, last);
      for (const uint64_t start : change.removed) table.erase(start);
      table[change.start] = set.StartingAt(change.start)->last;
      std::map<uint64_t, uint64_t> expected;
      for (const NumberRange& range : set.ranges()) expected[range.first] = range.last;
      REQUIRE(table == expected);
    }
    for (uint64_t n = 1; n < 100; ++n) REQUIRE(set.Contains(n) == model.contains(n));
    uint64_t missing = 0;
    for (const NumberRange& range : set.Missing(1, 99)) {
      missing += range.last - range.first + 1;
      for (uint64_t n = range.first; n <= range.last; ++n) REQUIRE_FALSE(model.contains(n));
    }
    REQUIRE(missing == 99 - model.size());
  }
}
