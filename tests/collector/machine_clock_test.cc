#include "collector/machine_clock.h"

#include <catch2/catch.hpp>

using namespace haidang::collector;

namespace {

constexpr int64_t kBooted = 1767573000000;
constexpr int64_t kHour = int64_t{3600} * 1000;
constexpr uint64_t kBoot = 7;

// When it was and how far the clock was ahead; -1 and -1 where that cannot be told.
std::pair<int64_t, int64_t> Correct(const MachineClock& clock, int64_t since_boot_ms,
                                    int64_t wall_ms, uint64_t boot = kBoot) {
  const auto corrected = clock.Correct(boot, since_boot_ms, wall_ms, kBooted + 10 * kHour);
  if (!corrected) return {-1, -1};
  return {corrected->time_ms, corrected->offset_ms};
}
using Pair = std::pair<int64_t, int64_t>;

}  // namespace

TEST_CASE("a clock that nothing contradicts is believed, however late its batches come") {
  MachineClock clock;
  CHECK(Correct(clock, kHour, kBooted + kHour) == Pair{kBooted + kHour, 0});
  clock.See(kBoot, kHour, kBooted + kHour + 60000);  // a minute under way
  CHECK(Correct(clock, kHour, kBooted + kHour) == Pair{kBooted + kHour, 0});
  CHECK(Correct(clock, kHour + 15000, kBooted + kHour + 15000).second == 0);
}

TEST_CASE("a clock that is ahead is corrected: nothing comes before it was sent") {
  MachineClock clock;
  clock.See(kBoot, kHour, kBooted + kHour + 40);
  CHECK(Correct(clock, kHour, kBooted + kHour + 49000) == Pair{kBooted + kHour + 40, 48960});
  // The fastest delivery tells best.
  CHECK_FALSE(clock.See(kBoot, 2 * kHour, kBooted + 2 * kHour + 90));
  CHECK_FALSE(clock.See(kBoot, 2 * kHour, kBooted + 2 * kHour + 30));
  CHECK(Correct(clock, kHour, kBooted + kHour + 49000) == Pair{kBooted + kHour + 30, 48970});
}

TEST_CASE("a dead battery's clock is mended from the time since boot, for the hours before too") {
  MachineClock clock;
  const int64_t in_2015 = 1420070400000;
  CHECK(Correct(clock, 1000, in_2015) == Pair{-1, -1});
  clock.See(kBoot, 6 * kHour, kBooted + 6 * kHour);
  CHECK(Correct(clock, 1000, in_2015).first == kBooted + 1000);
  CHECK(Correct(clock, 6 * kHour, kBooted + 6 * kHour).second == 0);  // set right since
  CHECK(Correct(clock, 1000, in_2015, 8) == Pair{-1, -1});            // another boot: nobody knows
}

TEST_CASE("what the machine measured counts more, and finds a clock that is slow") {
  MachineClock clock;
  clock.See(kBoot, kHour, kBooted + kHour + 60000);
  CHECK(Correct(clock, kHour, kBooted + kHour - 49000).second == 0);  // as if long under way
  CHECK(clock.Measure(kBoot, kHour, kBooted + kHour));
  CHECK_FALSE(clock.Measure(kBoot, kHour, kBooted + kHour));
  CHECK(Correct(clock, kHour, kBooted + kHour - 49000) == Pair{kBooted + kHour, -49000});
  CHECK(Correct(clock, kHour, kBooted + kHour - 1999).second == 0);
  CHECK_FALSE(clock.See(kBoot, 2 * kHour, kBooted));  // says nothing any more
  CHECK(clock.Find(kBoot)->started_ms == kBooted);
  CHECK_FALSE(clock.Measure(9, kHour, kBooted));
}

TEST_CASE("no time lies in the future or before the product") {
  MachineClock clock;
  clock.See(kBoot, 0, kBooted);
  CHECK(Correct(clock, 10 * kHour + MachineClock::kAhead, kBooted).first != -1);
  CHECK(Correct(clock, 10 * kHour + MachineClock::kAhead + 1, kBooted) == Pair{-1, -1});
  CHECK(Correct(clock, -1, kBooted + kHour) == Pair{kBooted + kHour, 0});
  CHECK(Correct(clock, INT64_MAX, kBooted - 10 * 366 * 24 * kHour) == Pair{-1, -1});
  CHECK(Correct(clock, 0, kBooted + 11 * kHour, 8) == Pair{-1, -1});
}

TEST_CASE("boots are bounded, and come back from the store") {
  MachineClock clock;
  for (uint64_t boot = 1; boot <= 100; ++boot) {
    CHECK(clock.See(boot, 0, kBooted + static_cast<int64_t>(boot)));
  }
  CHECK(clock.Find(84) == nullptr);
  REQUIRE(clock.Find(85) != nullptr);
  std::vector<MachineClock::Boot> boots;
  for (uint64_t boot = 1; boot <= 20; ++boot) {
    boots.push_back({boot, kBooted, true, kBooted + static_cast<int64_t>(boot)});
  }
  MachineClock loaded;
  loaded.Load(boots);
  CHECK(loaded.Find(4) == nullptr);
  REQUIRE(loaded.Find(5) != nullptr);
  CHECK(loaded.Find(5)->measured);
}
