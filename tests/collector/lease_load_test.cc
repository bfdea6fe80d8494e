#include <catch2/catch.hpp>
#include <limits>
#include <optional>
#include <vector>

#include "collector/journeys/load.h"

using namespace haidang;

TEST_CASE("counters say what increased, whatever happens to them") {
  journeys::Increase increase;
  const auto take = [&](std::vector<journeys::Counter> counters) {
    return increase.Take(counters);
  };
  CHECK(take({{1, 100.0}, {2, 50.0}}) == 0);
  CHECK(take({{1, 110.0}, {2, 51.0}}) == 11);
  CHECK(take({{1, std::nullopt}, {2, 52.0}}) == 1);
  CHECK(take({{2, 53.0}, {1, 115.0}}) == 6);
  CHECK(take({{1, 3.0}, {2, 0.0}}) == 3);  // began anew
  CHECK(take({{1, 4.0}, {3, 900.0}}) == 1);
  CHECK(take({{1, -5.0}, {3, std::numeric_limits<double>::infinity()}}) == 0);
}

TEST_CASE("the interval that keeps within the bound") {
  using journeys::NeededInterval;
  using journeys::Walker;
  CHECK(NeededInterval({}, 5) == 0);
  CHECK(NeededInterval({{60, 3}}, 5) == 0);
  CHECK(NeededInterval(std::vector<Walker>(100, {10, 3}), 5) == Approx(60));
  // Those that are slower by themselves stay as they are.
  std::vector<Walker> walkers(10, {10, 5});
  walkers.push_back({3600, 5});
  CHECK(NeededInterval(walkers, 1) == Approx(50 / (1 - 5 / 3600.0)));
  CHECK(NeededInterval(std::vector<Walker>(10, {1, 5}), 0.0001) > 86400);
}
