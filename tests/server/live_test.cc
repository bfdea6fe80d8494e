#include "server/live.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::server;
using namespace std::chrono_literals;

TEST_CASE("nothing is known before the first answer") {
  const testing::FakeClock clock;
  Live live(clock);
  const LiveView view = live.Now();
  CHECK_FALSE(view.reachable);
  CHECK(view.overview == nullptr);
  CHECK(view.reason == "not asked yet");
  REQUIRE(view.snapshot);
}

TEST_CASE("an answer is fresh for five seconds, however often later questions fail") {
  testing::FakeClock clock;
  Live live(clock);
  live.Answered({});
  const int64_t answered = clock.WallMs();
  CHECK(live.Now().reachable);
  clock.Advance(5s);
  live.Failed("refused");
  CHECK(live.Now().reachable);
  CHECK(live.Now().reason.empty());
  const uint64_t version = live.version();
  clock.Advance(1ms);
  const LiveView view = live.Now();
  CHECK_FALSE(view.reachable);
  CHECK(view.reason == "refused");
  CHECK(view.since_ms == answered);
  CHECK(view.overview != nullptr);
  CHECK(live.version() > version);
  clock.Advance(1min);
  live.Answered({});
  CHECK(live.Now().reachable);
  CHECK(live.Now().since_ms == clock.WallMs());
}

TEST_CASE("an answer grows stale without anybody asking, and whatever the wall clock does") {
  testing::FakeClock clock;
  Live live(clock);
  live.Answered({});
  clock.StepWall(-24h);
  clock.Advance(4s);
  CHECK(live.Now().reachable);
  clock.StepWall(48h);
  CHECK(live.Now().reachable);
  clock.Advance(2s);
  CHECK_FALSE(live.Now().reachable);
}

TEST_CASE("those who wait are woken by an answer and by the end") {
  const testing::FakeClock clock;
  Live live(clock);
  const uint64_t seen = live.version();
  std::thread answer([&] { live.Answered({}); });
  CHECK(live.WaitForChange(seen, 20s));
  answer.join();
  CHECK(live.version() != seen);
  CHECK(live.WaitForChange(live.version(), 1ms));
  std::thread end([&] { live.Close(); });
  CHECK_FALSE(live.WaitForChange(live.version(), 20s));
  end.join();
}
