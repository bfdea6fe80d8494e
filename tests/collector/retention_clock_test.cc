#include "collector/retention_clock.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"

using haidang::collector::RetentionClock;
using haidang::testing::FakeClock;
using namespace std::chrono_literals;

namespace {

constexpr int64_t kHour = 3600 * 1000;

}  // namespace

TEST_CASE("time that passes is believed, and small steps") {
  FakeClock clock;
  RetentionClock retention(clock, clock.WallMs() - 3 * kHour);
  CHECK(retention.NowMs() == clock.WallMs());
  clock.Advance(24h * 400);
  CHECK(retention.NowMs() == clock.WallMs());
  clock.StepWall(23h);
  CHECK(retention.NowMs() == clock.WallMs());
  clock.StepWall(-23h);
  CHECK(retention.NowMs() == clock.WallMs());
}

TEST_CASE(
    "a clock that steps far, either way, is believed after a day, or when it is right again") {
  for (const auto step : {24h * 3650, -24h * 3650}) {
    FakeClock clock;
    RetentionClock retention(clock, clock.WallMs());
    const int64_t begin_ms = retention.NowMs();
    clock.StepWall(step);
    CHECK(retention.NowMs() == begin_ms);
    clock.Advance(5h);
    CHECK(retention.NowMs() == begin_ms + 5 * kHour);
    clock.StepWall(-step);
    CHECK(retention.NowMs() == clock.WallMs());
    // Once more: it begins anew.
    clock.StepWall(step);
    CHECK(retention.NowMs() == begin_ms + 5 * kHour);
    clock.Advance(24h - 1ms);
    CHECK(retention.NowMs() == begin_ms + 29 * kHour - 1);
    clock.Advance(1ms);
    CHECK(retention.NowMs() == clock.WallMs());
    clock.Advance(1h);
    CHECK(retention.NowMs() == clock.WallMs());
  }
}

TEST_CASE("at the start what was stored last says what the time should be") {
  FakeClock clock;
  const int64_t newest_ms = clock.WallMs() - 40 * 24 * kHour;
  RetentionClock away(clock, newest_ms);
  CHECK(away.NowMs() == newest_ms);
  clock.Advance(24h);
  CHECK(away.NowMs() == clock.WallMs());
  RetentionClock fresh(clock, std::nullopt);
  CHECK(fresh.NowMs() == clock.WallMs());
}
