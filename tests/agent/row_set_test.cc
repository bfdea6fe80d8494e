#include "agent/row_set.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using haidang::agent::RowSet;

TEST_CASE("ranges that touch are one") {
  RowSet rows;
  rows.Add(5, 7);
  rows.Add(10, 12);
  rows.Add(8, 9);
  CHECK(rows.ranges() == RowSet::Ranges{{5, 12}});
  rows.Remove(7, 8);
  CHECK(rows.ranges() == RowSet::Ranges{{5, 6}, {9, 12}});
  rows.Add(3, 2);
  rows.Remove(12, 5);
  CHECK(rows.Count() == 6);
  CHECK(rows.First() == 5);
  CHECK(rows.FirstFrom(7) == 9);
  CHECK_FALSE(rows.FirstFrom(13).has_value());
  CHECK(rows.LastTo(8) == 6);
  CHECK_FALSE(rows.LastTo(4).has_value());
  CHECK_FALSE(RowSet().First().has_value());
}

TEST_CASE("property: a set of rows is a set of rows") {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    };
    RowSet rows, others;
    std::set<int64_t> model, other_model;
    for (int step = 0; step < 60; ++step) {
      const int64_t first = pick(-20, 40), last = first + pick(-1, 12);
      const bool add = pick(0, 2) > 0;
      add ? rows.Add(first, last) : rows.Remove(first, last);
      for (int64_t row = first; row <= last; ++row) {
        if (add) {
          model.insert(row);
        } else {
          model.erase(row);
        }
      }
      if (step % 4 == 0) {
        others.Add(first, last);
        for (int64_t row = first; row <= last; ++row) other_model.insert(row);
      }
      int64_t end = -1000;
      for (const auto& [low, high] : rows.ranges()) {
        REQUIRE(low > end + 1);
        REQUIRE(low <= high);
        end = high;
      }
      REQUIRE(rows.Count() == model.size());
      const RowSet rest = rows.Minus(others);
      const RowSet within = rows.Within(-5, 17);
      for (int64_t row = -25; row <= 60; ++row) {
        REQUIRE(rows.Contains(row) == model.contains(row));
        REQUIRE(rest.Contains(row) == (model.contains(row) && !other_model.contains(row)));
        REQUIRE(within.Contains(row) == (model.contains(row) && row >= -5 && row <= 17));
        const auto from = model.lower_bound(row);
        REQUIRE(rows.FirstFrom(row) == (from == model.end() ? std::nullopt : std::optional(*from)));
        const auto above = model.upper_bound(row);
        REQUIRE(rows.LastTo(row) ==
                (above == model.begin() ? std::nullopt : std::optional(*std::prev(above))));
      }
    }
  }
}
