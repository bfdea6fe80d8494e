#include "collector/rollups.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "collector/store/for_each.h"
#include "collector/store/schema.h"
#include "tests/collector/rollup_world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using store::RollupLevel;

namespace {

constexpr auto kFine = RollupLevel::kFiveMinutes;
constexpr auto kHour = RollupLevel::kHour;
constexpr int64_t kWindow = store::kWindowMs;

struct Fixture : RollupWorld {
  // One random thing that may happen at any time.
  void Happen() {
    switch (random() % 12) {
      case 0:
      case 1:
        return void(Commit());
      case 2:
        clock.Advance(61s);
        compaction->Go();
        return;
      case 3:
      case 4:
        return loop->RunPosted();
      case 5:
      case 6:
        clock.Advance(5s);
        rollups->Go(true);
        return loop->RunPosted();
      case 7:
        rollups->Go(true);
        return;
      case 8:
        flush_status = Error{"no"};
        CHECK_FALSE(Commit());
        flush_status = {};
        return;
      case 9:
        if (random() % 4 == 0) Die();
        return;
      default:
        return;
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "roll-ups are made of blocks, and say what the batches say") {
  GiveRange(1, 6 * 60);
  Settle();
  // The open window has none, and the ones before are complete.
  CHECK(CheckCovered(kFine) == 3 * kWindow);
  CHECK(CheckCovered(kHour) == 0);
  CHECK(Count("rollup") == 3);
  CHECK(Count("rollup_due") == 0);
  CHECK(metrics->rollup_pieces.Value() >= 3);
  CHECK(metrics->rollup_bytes.Value() > 0);
  CHECK(metrics->rollup_windows_due.Value() == 0);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "a late batch changes its window and what is known behind it") {
  std::vector<TestAgent::Tick> late;
  // The last ticks of a window are missing: behind them all is unknown.
  for (uint64_t n = 1; n <= 300; ++n) {
    TestAgent::Tick tick = Next(n);
    if (n >= 55 && n <= 59) {
      late.push_back(tick);
    } else {
      Give(agent, tick, false);
    }
  }
  Settle();
  REQUIRE(store::WindowOf(TimeOf(59)) != store::WindowOf(TimeOf(60)));
  const auto before = Read(kFine);
  CHECK(CheckCovered(kFine) == 2 * kWindow);
  for (const auto& tick : late) Give(agent, tick, true);
  REQUIRE(Commit());
  // Not made yet: neither its window nor the next one is told.
  CHECK(CheckCovered(kFine) == 0);
  Settle();
  CHECK(CheckCovered(kFine) == 2 * kWindow);
  const int64_t row = SeriesRows().at(gauge);
  CHECK(Read(kFine).numbers.at(row).count != before.numbers.at(row).count);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "days are merged, and 32 of them, and late batches go into either") {
  for (uint64_t n = 1; n <= 3 * 1440; ++n) {
    if (n % 700 == 5) {
      // missing for now
      const auto tick = Next(n);
      continue;
    }
    Give(agent, Next(n), false);
  }
  Settle();
  CHECK(Count("rollup WHERE level = 1 AND length_ms = 86400000") == 3);
  CHECK(Count("rollup WHERE level = 2 AND length_ms = 86400000") == 3);
  const int64_t covered = CheckCovered(kFine);
  CHECK(CheckCovered(kHour) == 3 * store::kDayPieceMs);
  CHECK(covered == 3 * store::kDayPieceMs);
  clock.Advance(40 * 24h);
  Settle();
  CHECK(Count("rollup WHERE level = 2") == 1);
  CHECK(Count("rollup WHERE level = 1 AND length_ms = 7200000") == 0);
  CHECK(CheckCovered(kHour) == store::kLongPieceMs);
  CHECK(CheckCovered(kFine) == 4 * store::kDayPieceMs);
  CheckWhole();
  // Long after.
  for (uint64_t n = 5; n <= 3 * 1440; n += 700) Give(agent, Next(n), true);
  Settle();
  CHECK(CheckCovered(kFine) == 4 * store::kDayPieceMs);
  CHECK(CheckCovered(kHour) == store::kLongPieceMs);
  CHECK(Count("rollup WHERE level = 2") == 1);
  CHECK(Count("rollup WHERE level = 1") == 4);
  CHECK(Count("rollup_due") == 0);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "two spools of a machine go in order of time") {
  GiveRange(1, 200);
  REQUIRE(Commit());
  TestAgent second("pc-1", 0xB2);
  second.Declare({"gauge", {}});
  second.Declare({"counter", {}}, DataType::kUInt64, 1, MetricType::kCounter);
  second.Declare({"seconds", {}}, DataType::kBytes, 1, MetricType::kHistogram);
  second.Declare({"odd", {}}, DataType::kDouble, 2);
  second.Declare({"text", {}}, DataType::kString, 0);
  Receive(second.Birth());
  clock.Advance(1h);
  for (uint64_t n = 1; n <= 250; ++n) {
    if (n < 90 || n > 100) Give(second, Next(n), true, 27'000);
  }
  clock.Advance(12h);
  Settle();
  CHECK(CheckCovered(kFine) >= 3 * kWindow);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "what is wrong with roll-ups is found by a check") {
  GiveRange(1, 6 * 60);
  Settle();
  const auto faults_after = [&](const char* sql) {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec((std::string("BEGIN; ") + sql).c_str()));
    REQUIRE(db->Exec("COMMIT"));
    const auto audit = store::CheckStore(dir + "/telemetry.db");
    REQUIRE(audit);
    REQUIRE(audit->faults.size() == 1);
    const std::string fault = audit->faults[0].what;
    CHECK(audit->faults[0].count >= 1);
    return fault;
  };
  const std::string damaged = "roll-ups that cannot be read, or are not what was written";
  const char* series = "UPDATE series SET id = id + 1000; UPDATE alias SET series = series + 1000;";
  SECTION("another CRC") { CHECK(faults_after("UPDATE rollup SET crc = crc + 1") == damaged); }
  SECTION("other bytes") { CHECK(faults_after("UPDATE rollup SET bytes = x'01'") == damaged); }
  SECTION("no such level") { CHECK(faults_after("UPDATE rollup SET level = 3") == damaged); }
  SECTION("no such length") {
    CHECK(faults_after("UPDATE rollup SET length_ms = 3600000") == damaged);
  }
  SECTION("no such begin") {
    CHECK(faults_after("UPDATE rollup SET begin_ms = begin_ms + 1") == damaged);
  }
  SECTION("series that are gone") {
    CHECK(faults_after((std::string("DELETE FROM block; ") + series).c_str()).find("series") !=
          std::string::npos);
  }
  SECTION("a machine that is gone") {
    CHECK(faults_after("UPDATE rollup SET machine = 9") ==
          "rows that belong to a machine or a spool id which is not there");
  }
}

TEST_CASE_METHOD(Fixture, "a store of version 3 gets roll-ups of all its blocks") {
  GiveRange(1, 26 * 60);
  REQUIRE(Commit());
  clock.Advance(61s);
  for (compaction->Go(); compaction->busy(); compaction->Go()) {
    loop->RunPosted();
    REQUIRE(Commit());
  }
  const int64_t blocks = Count("block");
  REQUIRE(blocks == 13);
  const std::string before = dir;
  dir = root / "3";
  std::filesystem::create_directory(dir);
  {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(store::Migrate(*db, store::Migrations().first(3)));
    REQUIRE(db->Exec(("ATTACH '" + before + "/telemetry.db' AS newer").c_str()));
    std::vector<std::string> tables;
    REQUIRE(store::ForEach(*db, "SELECT name FROM main.sqlite_schema WHERE type = 'table'",
                           [&](const Statement& s) { tables.emplace_back(s.Text(0)); }));
    for (const std::string& table : tables) {
      if (table == "meta") continue;
      const std::string sql = "INSERT INTO main." + table + " SELECT * FROM newer." + table;
      REQUIRE(db->Exec(sql.c_str()));
    }
  }
  Restart();
  CHECK(Count("block") == blocks);
  CHECK(Count("rollup_due") == blocks);
  CHECK(Count("pragma_auto_vacuum WHERE auto_vacuum = 2") == 1);
  Settle();
  CHECK(CheckCovered(kFine) == store::kDayPieceMs + kWindow);
  CHECK(CheckCovered(kHour) == store::kDayPieceMs);
  CheckWhole();
}

TEST_CASE_METHOD(Fixture, "after anything that happens at any time, roll-ups say what batches do") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    random.seed(seed);
    INFO("seed " << seed);
    const uint64_t first = (seed - 1) * 1500 + 1;
    std::vector<TestAgent::Tick> late;
    for (uint64_t n = first; n < first + 1100; ++n) {
      const TestAgent::Tick tick = Next(n);
      if (random() % 40 == 0) {
        late.push_back(tick);
      } else {
        Give(agent, tick, false);
      }
      if (!late.empty() && random() % 60 == 0) {
        const size_t which = random() % late.size();
        Give(agent, late[which], true);
        late.erase(late.begin() + static_cast<std::ptrdiff_t>(which));
      }
      if (random() % 20 == 0) Happen();
      if (n % 400 == 0) {
        REQUIRE(Commit());
        CheckCovered(kFine);
        CheckCovered(kHour);
      }
    }
    std::shuffle(late.begin(), late.end(), random);
    for (const TestAgent::Tick& tick : late) {
      Give(agent, tick, true);
      if (random() % 3 == 0) Happen();
    }
    REQUIRE(Commit());
    CheckCovered(kFine);
    CheckCovered(kHour);
    if (seed % 2 == 0) {
      clock.Advance(35 * 24h);
      begin_ms += 35LL * 24 * 3600 * 1000;
    }
    Settle();
    CHECK(CheckCovered(kFine) > 0);
    CheckCovered(kHour);
    CHECK(Count("rollup_due") == 0);
  }
  CHECK(Count("rollup WHERE length_ms = 2764800000") >= 2);
  CheckWhole();
}
