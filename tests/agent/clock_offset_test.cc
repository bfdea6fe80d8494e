#include "agent/clock_offset.h"

#include <catch2/catch.hpp>
#include <random>

using haidang::agent::ClockOffset;

namespace {

// The collector's wall clock at our boot.
constexpr int64_t kBoot = 1'760'000'000'000;

}  // namespace

TEST_CASE("nothing is said of the clock before the first measurement") {
  CHECK_FALSE(ClockOffset().At(kBoot, 0).has_value());
  ClockOffset offset;
  offset.Measure(2000, kBoot + 1000, kBoot + 1100, 1900);  // came before it was sent
  offset.Measure(1000, kBoot + 1100, kBoot + 900, 2000);   // answered before it was received
  offset.Measure(1000, kBoot + 1000, kBoot + 9000, 2000);  // took longer than the whole trip
  CHECK_FALSE(offset.At(kBoot, 0).has_value());
}

TEST_CASE("the offset follows from four timestamps, the error is half the trip") {
  ClockOffset offset;
  offset.Measure(10'000, kBoot + 10'020, kBoot + 12'000, 12'020);  // 40 ms of network
  const auto right = offset.At(kBoot + 12'020, 12'020);
  REQUIRE(right.has_value());
  CHECK(right->offset_seconds == Approx(0).margin(0.0011));
  CHECK(right->error_seconds == Approx(0.025));
  // A step of the wall clock shows at once.
  CHECK(offset.At(kBoot + 12'020 + 49'000, 12'020)->offset_seconds == Approx(49));
  CHECK(offset.At(kBoot + 12'020 - 315'360'000'000, 12'020)->offset_seconds ==
        Approx(-315'360'000));
}

TEST_CASE("the best of the last measurements counts, and grows worse with age") {
  ClockOffset offset;
  offset.Measure(10'000, kBoot + 10'002, kBoot + 10'010, 10'012);
  for (int64_t at = 20'000; at <= 50'000; at += 10'000) {
    offset.Measure(at, kBoot + at + 900, kBoot + at + 1000, at + 1100);  // 800 ms more one way
  }
  CHECK(offset.At(kBoot + 51'000, 51'000)->offset_seconds == Approx(0).margin(0.003));
  const double soon = offset.At(kBoot + 51'000, 51'000)->error_seconds;
  const double late = offset.At(kBoot + 651'000, 651'000)->error_seconds;
  CHECK(late > soon);
}

TEST_CASE("after a step of the collector's clock the older measurements are forgotten") {
  ClockOffset offset;
  offset.Measure(10'000, kBoot + 10'002, kBoot + 10'010, 10'012);
  offset.Measure(20'000, kBoot + 3'620'050, kBoot + 3'620'060, 20'110);  // an hour ahead
  CHECK(offset.At(kBoot + 20'110, 20'110)->offset_seconds == Approx(-3600).margin(0.06));
}

TEST_CASE("property: the truth lies within the bound, whatever the network does") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int64_t high) {
      return std::uniform_int_distribution<int64_t>(0, high)(random);
    };
    const int64_t wrong = pick(10'000'000) - 5'000'000;
    ClockOffset offset;
    int64_t now = 1000;
    for (int i = 0; i < 40; ++i) {
      const int64_t there = pick(pick(3000)), stay = pick(5000), back = pick(pick(3000));
      offset.Measure(now, kBoot + now + there, kBoot + now + there + stay,
                     now + there + stay + back);
      now += there + stay + back;
      const auto said = offset.At(kBoot + now + wrong, now);
      REQUIRE(said.has_value());
      const double truth = static_cast<double>(wrong) / 1000;
      REQUIRE(std::abs(said->offset_seconds - truth) <= said->error_seconds);
      now += pick(60'000);
    }
  }
}
