#include <catch2/catch.hpp>

#include "agent/sqlite_spool.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

TEST_CASE("the oldest go when the spool is full, counted and told") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  options.max_bytes = 12000;
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 1000; ++i) {
    MustAppend(*spool, i);
    REQUIRE(spool->held_bytes() <= options.max_bytes);
    REQUIRE(spool->waiting_batches() + spool->dropped_batches() == static_cast<size_t>(i) + 1);
  }
  const uint64_t dropped = spool->dropped_batches();
  CHECK(dropped > 500);
  auto held = *spool->Held();
  CHECK(held[0].first == dropped + 1);
  CHECK(held[0].next == 1001);
  CHECK(held[0].reason == "full");
  CHECK(Everything(*spool).begin()->first == Key{1000, dropped + 1});
  spool.reset();
  spool = OpenSpool(options, clock, ids);
  held = *spool->Held();
  CHECK(held[0].reason == "full");
  CHECK(held[0].first == dropped + 1);
  CHECK(spool->dropped_batches() == 0);  // since start
}

TEST_CASE("a spool id that was given up as a whole is held until the collector knows it") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 10; ++i) MustAppend(*spool, i);
  spool.reset();
  options.max_bytes = 3000;
  spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 200; ++i) MustAppend(*spool, i);
  auto held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 11);
  CHECK(held[0].next == 11);
  CHECK(held[0].reason == "full");
  sparkplug::Committed known = Named(1000, 10);
  known.sent_ms = 1767573000000;
  REQUIRE(spool->Settle(known)->settled == 0);
  held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].ended_ms == known.sent_ms);
  CHECK(spool->Report()->spools.size() == 1);
}

TEST_CASE("what is too old goes, whatever the wall clock does") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  options.max_age = 1h;
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 240; ++i) {
    MustAppend(*spool, i);
    clock.Advance(15s);
  }
  clock.StepWall(std::chrono::hours(24 * 365));
  MustAppend(*spool, 0);
  CHECK(spool->dropped_batches() == 0);
  clock.Advance(30min);
  MustAppend(*spool, 0);
  CHECK(spool->dropped_batches() == 64);  // the pack that is older as a whole
  CHECK((*spool->Held())[0].reason == "age");
  CHECK((*spool->Held())[0].first == 65);
  REQUIRE(spool->Close().ok());
  spool.reset();
  clock.Advance(std::chrono::hours(100));  // switched off: nothing ages
  spool = OpenSpool(options, clock, ids);
  MustAppend(*spool, 0);
  CHECK(spool->waiting_batches() == 242 - 64 + 1);
}

TEST_CASE("a bound that was lowered is reached in steps, none of them long") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 2000; ++i) MustAppend(*spool, i, true);  // packs of one
  spool.reset();
  options.max_bytes = 1000;
  spool = OpenSpool(options, clock, ids);
  for (uint64_t i = 1; i <= 3; ++i) {
    MustAppend(*spool, 1);
    CHECK(spool->dropped_batches() == i * kMaxDroppedAtOnce);
  }
  MustAppend(*spool, 3);
  CHECK(spool->held_bytes() <= 1000);
  CHECK(spool->dropped_batches() + spool->waiting_batches() == 2004);
  CHECK(Everything(*spool).size() == spool->waiting_batches());
}

TEST_CASE("numbers below First are given up, those from First on can be had") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  options.max_age = 1h;
  auto spool = OpenSpool(options, clock, ids);
  // 1 to 10 settled and kept, 11 to 20 too old, 21 to 30 waiting.
  for (int i = 0; i < 20; ++i) MustAppend(*spool, i, i % 10 == 0);
  REQUIRE(spool->Settle(Named(1000, 10))->settled == 10);
  clock.Advance(59min);
  for (int i = 20; i < 30; ++i) MustAppend(*spool, i, i % 10 == 0);
  clock.Advance(2min);
  MustAppend(*spool, 30);
  CHECK(spool->dropped_batches() == 10);
  auto held = *spool->Held();
  CHECK(held[0].first == 21);
  CHECK(held[0].reason == "age");
  // Once the collector has closed the gap, there is nothing to tell below what is kept.
  REQUIRE(spool->Settle(Named(1000, 20))->settled == 0);
  held = *spool->Held();
  CHECK(held[0].first == 1);
}
