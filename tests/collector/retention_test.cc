#include <catch2/catch.hpp>

#include "tests/collector/rollup_world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using store::RollupLevel;

namespace {

constexpr int64_t kDay = store::kDayPieceMs;

struct Fixture : RollupWorld {
  Fixture() {
    options.retention.raw = raw = 2 * 24h;
    options.retention.five_minutes = 7 * 24h;
    options.retention.hour = 14 * 24h;
    step_ms = 300'000;
    full_every = 2;
    Restart();
    Receive(agent.Birth());
  }
  void Expire() {
    ingest->Expire(compaction->FirstNeeded(), 100'000);
    ingest->Shrink();
    REQUIRE(Commit());
  }
  int64_t Pages() { return Number("SELECT page_count FROM pragma_page_count"); }
  int64_t Number(const char* sql) {
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    auto s = db->Prepare(sql);
    REQUIRE(s);
    REQUIRE(*s->Step());
    return s->Int(0);
  }
};

// Each look at it takes a millisecond.
class SlowClock final : public Clock {
 public:
  int64_t WallMs() const override { return 0; }
  int64_t MonotonicNs() const override { return now_ns_ += 1'000'000; }
  int64_t SinceBootMs() const override { return 0; }

 private:
  mutable int64_t now_ns_ = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "each level is kept as long as it is told, and the file stops growing") {
  constexpr int kDays = 70;
  const uint64_t day_ticks = static_cast<uint64_t>(kDay / step_ms);
  int64_t most_before = 0, most_after = 0;
  for (int day = 0; day < kDays; ++day) {
    const uint64_t first = static_cast<uint64_t>(day) * day_ticks + 1;
    GiveRange(first, first + day_ticks - 1);
    Settle();
    Expire();
    int64_t& most = day < 50 ? most_before : most_after;
    most = std::max(most, Pages());
  }
  CHECK(most_after <= most_before + most_before / 20);
  const int64_t now_ms = clock.WallMs();
  const int64_t block_ms = Number("SELECT min(window_ms) FROM block");
  CHECK(block_ms >= now_ms - 2 * kDay - 2 * store::kWindowMs);
  CHECK(block_ms <= now_ms - 2 * kDay);
  const int64_t fine_ms = Read(RollupLevel::kFiveMinutes).covered.at(0).from_ms;
  CHECK(fine_ms >= now_ms - 9 * kDay);
  CHECK(fine_ms <= now_ms - 7 * kDay);
  const int64_t hour_ms = Read(RollupLevel::kHour).covered.at(0).from_ms;
  CHECK(hour_ms >= now_ms - 14 * kDay - store::kLongPieceMs - kDay);
  CHECK(hour_ms <= now_ms - 14 * kDay);
  CHECK(Count("rollup_due") == 0);
  CheckCovered(RollupLevel::kFiveMinutes);
  CheckCovered(RollupLevel::kHour);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "blocks of which roll-ups are due stay, however old they are") {
  GiveRange(1, 500);
  REQUIRE(Commit());
  clock.Advance(100 * 24h);
  for (compaction->Go(); compaction->busy(); compaction->Go()) {
    loop->RunPosted();
    REQUIRE(Commit());
  }
  const int64_t blocks = Count("block");
  REQUIRE(blocks > 10);
  Expire();
  CHECK(Count("block") == blocks);
  // The ones before a window that is due stay too: what was known then is known on.
  auto db = Database::Open(dir + "/telemetry.db", {});
  REQUIRE(db);
  REQUIRE(
      db->Exec("DELETE FROM rollup_due WHERE window_ms <>"
               " (SELECT max(window_ms) FROM rollup_due)"));
  Expire();
  CHECK(Count("block") == 2);
  Settle();
  CHECK(Count("rollup") > 0);
  Expire();
  CHECK(Count("block") == 0);
}

TEST_CASE_METHOD(Fixture, "a late batch of a time of which blocks are gone leaves roll-ups alone") {
  std::vector<TestAgent::Tick> late;
  for (uint64_t n = 1; n <= 1000; ++n) {
    const auto tick = Next(n);
    if (n == 350) {
      late.push_back(tick);
    } else {
      Give(agent, tick, false);
    }
  }
  Settle();
  Expire();
  REQUIRE(Number("SELECT min(window_ms) FROM block") > TimeOf(350));
  const auto before = Read(RollupLevel::kFiveMinutes);
  Give(agent, late[0], true);
  Settle();
  CHECK(Count("rollup_due") == 0);
  const auto after = Read(RollupLevel::kFiveMinutes);
  CHECK(after.covered == before.covered);
  CHECK(after.numbers.at(SeriesRows().at(gauge)).count ==
        before.numbers.at(SeriesRows().at(gauge)).count);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "a block that is damaged is given up once it is old") {
  GiveRange(1, 150);
  REQUIRE(Commit());
  clock.Advance(61s);
  for (compaction->Go(); compaction->busy(); compaction->Go()) {
    loop->RunPosted();
    REQUIRE(Commit());
  }
  auto db = Database::Open(dir + "/telemetry.db", {});
  REQUIRE(db);
  REQUIRE(db->Exec("UPDATE block SET bytes = x'00' WHERE id = 2"));
  Settle();
  // Its window, and the one behind it.
  CHECK(Count("rollup_due") == 2);
  CHECK(Count("rollup") > 0);
  clock.Advance(3 * 24h);
  Settle();
  CHECK(Count("rollup_due") == 0);
  Expire();
  CHECK(Count("block") == 0);
}

TEST_CASE("a file gives free pages back, a few at a time, and keeps some") {
  haidang::testing::TempDir dir;
  store::StoreOptions options;
  options.path = dir / "telemetry.db";
  options.spare_pages = 100;
  auto opened = store::Store::Open(options, [] { return uint64_t{1}; });
  REQUIRE(opened);
  store::Store& store = **opened;
  const std::string payload(3000, 'x');
  for (uint64_t n = 1; n <= 2000; ++n) {
    REQUIRE(store.Append({1, 1, n, static_cast<int64_t>(n), 0, 0, 0, 0, payload}));
  }
  REQUIRE(store.Commit());
  const auto number = [&](const char* sql) {
    auto db = Database::Open(options.path, {.read_only = true});
    REQUIRE(db);
    auto s = db->Prepare(sql);
    REQUIRE(s);
    REQUIRE(*s->Step());
    return s->Int(0);
  };
  const auto pages = [&] { return number("SELECT page_count FROM pragma_page_count"); };
  const auto free = [&] { return number("SELECT freelist_count FROM pragma_freelist_count"); };
  const SlowClock clock;
  REQUIRE(store.Shrink(clock, 20ms));
  CHECK_FALSE(store.staged());  // nothing is free
  store::Retention retention;
  retention.raw = 1h;
  REQUIRE(store.Expire(retention, INT64_MAX, 10'000'000'000, 1900));
  REQUIRE(store.Commit());
  const int64_t full = pages();
  REQUIRE(free() > 1800);
  REQUIRE(store.Shrink(clock, 20ms));
  REQUIRE(store.Commit());
  CHECK(pages() < full);
  CHECK(pages() >= full - 25);
  for (int64_t before = 0; before != pages();) {
    before = pages();
    REQUIRE(store.Shrink(clock, 1s));
    REQUIRE(store.Commit());
  }
  CHECK(free() <= 100);
  CHECK(free() >= 90);
  CHECK(pages() < 400);
}

TEST_CASE_METHOD(Fixture, "a clock that is wrong for a while deletes nothing, ahead or behind") {
  const uint64_t day_ticks = static_cast<uint64_t>(kDay / step_ms);
  GiveRange(1, day_ticks);
  Settle();
  Expire();
  GiveRange(day_ticks + 1, day_ticks + 5);  // in no block yet
  REQUIRE(Commit());
  const auto rows = [&] {
    return std::vector<int64_t>{Count("block"), Count("rollup"), Count("journal"),
                                Number("SELECT sum(received_ms) FROM journal")};
  };
  const auto before = rows();
  REQUIRE(before[0] >= 12);
  REQUIRE(before[2] >= 5);
  for (const auto step : {24h * 3650, -24h * 3650}) {
    for (const bool restarted : {false, true}) {
      clock.StepWall(step);
      if (restarted) Restart();
      for (int i = 0; i < 3; ++i) {
        Expire();
        clock.Advance(1min);
      }
      CHECK(rows() == before);
      clock.StepWall(-step);
      if (restarted) Restart();
      Expire();
      CHECK(rows() == before);
    }
  }
}
