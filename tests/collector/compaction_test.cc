#include "collector/compaction.h"

#include <catch2/catch.hpp>

#include "collector/store/audit.h"
#include "collector/store/window.h"
#include "tests/collector/world.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using haidang::testing::RunUntil;

namespace {

struct Fixture : World {
  std::unique_ptr<Loop> loop = MakeLoop();
  std::unique_ptr<Compaction> compaction;
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});

  Fixture() {
    adjust_observer = [this](IngestObserver& observer) {
      observer.journaled = [this](const store::JournalRow& row, int64_t id) {
        compaction->Came(row.machine, row.time_ms, id);
      };
      observer.flush = [this](store::Store& into) {
        auto done = compaction->Flush(into);
        return done ? flush_status : done;
      };
      observer.saved = [this] { compaction->Saved(); };
      observer.failed = [this](const Error&) { compaction->Lost(); };
    };
    Restart();
    Receive(agent.Birth());
  }

  void Restart() {
    Reopen();
    compaction = std::make_unique<Compaction>(*loop, clock, *metrics, dir + "/telemetry.db");
    REQUIRE(compaction->Begin(*store));
  }
  void Give(uint64_t first, uint64_t last) {
    for (uint64_t n = first; n <= last; ++n) {
      Receive(agent.Live(
          {.number = n, .values = {{load, static_cast<double>(n)}}, .full = n % 40 == 1}));
    }
    REQUIRE(ingest->Commit());
  }
  // Lets it work until nothing is due.
  void Settle() {
    clock.Advance(std::chrono::milliseconds(store::OpenWindows::kQuietMs));
    for (compaction->Go(); compaction->busy(); compaction->Go()) {
      REQUIRE(RunUntil(*loop, [&] { return !compaction->working(); }));
      REQUIRE(ingest->Commit());
    }
  }
  std::vector<double> Ledger() {
    std::vector<double> values;
    REQUIRE(store::ExportLedger(dir + "/telemetry.db", [&](const store::LedgerEntry& entry) {
      values.push_back(std::get<double>(entry.value));
      return true;
    }));
    std::sort(values.begin(), values.end());
    return values;
  }
  static std::vector<double> UpTo(uint64_t last) {
    std::vector<double> values;
    for (uint64_t n = 1; n <= last; ++n) values.push_back(static_cast<double>(n));
    return values;
  }
  void CheckWhole(uint64_t last) {
    CHECK(Ledger() == UpTo(last));
    const auto audit = store::CheckStore(dir + "/telemetry.db");
    REQUIRE(audit);
    for (const auto& fault : audit->faults) {
      for (const auto& where : fault.where) UNSCOPED_INFO(fault.what << ": " << where);
    }
    CHECK(audit->whole());
    CHECK(audit->batches == static_cast<int64_t>(last));
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what is over becomes blocks, and the journal behind them goes") {
  Give(1, 2000);  // more than eight hours
  Settle();
  CHECK(Count("block") >= 3);
  CHECK(metrics->blocks.Value() == static_cast<double>(Count("block")));
  CHECK(metrics->block_batches.Value() > 1000);
  CheckWhole(2000);
  CHECK(ingest->Expire(compaction->FirstNeeded(), 100000) > 1000);
  REQUIRE(ingest->Commit());
  CHECK(Count("journal") < 800);
  CHECK(Count("journal") > 160);  // 40 minutes
  CheckWhole(2000);
  Restart();
  CHECK(compaction->open_windows() >= 1);
  Give(2001, 3000);
  Settle();
  CheckWhole(3000);
}

TEST_CASE_METHOD(Fixture, "a start looks only at what came after all that blocks cover") {
  constexpr uint64_t kLate = 700;
  Give(1, kLate - 1);
  Give(kLate + 1, 4000);
  Settle();
  Give(4001, 4600);
  Settle();
  REQUIRE(Count("block") >= 8);
  REQUIRE(Count("journal") == 4599);  // kept for a receiver that takes nothing
  const int64_t needed = compaction->FirstNeeded();
  const size_t open = compaction->open_windows();
  REQUIRE(Count("meta WHERE key = 'covered' AND value BETWEEN 3000 AND 4600") == 1);
  Restart();
  CHECK(compaction->FirstNeeded() == needed);
  CHECK(compaction->open_windows() == open);

  // What came late for an old window is behind it too.
  Receive(agent.Historical({.number = kLate, .values = {{load, 700.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  Restart();
  CHECK(compaction->open_windows() == open + 1);
  Settle();
  CHECK(compaction->open_windows() == open);
  CheckWhole(4600);

  // Rows that were not looked at do not become blocks again.
  {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec("DELETE FROM block WHERE window_ms = (SELECT min(window_ms) FROM block)"));
  }
  Restart();
  CHECK(compaction->open_windows() == open);
  {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec("DELETE FROM meta WHERE key = 'covered'"));  // of an earlier version
  }
  Restart();
  CHECK(compaction->open_windows() == open + 1);
}

TEST_CASE_METHOD(Fixture, "blocks that could not be committed are put again") {
  Give(1, 1000);
  clock.Advance(1min);
  compaction->Go();
  REQUIRE(RunUntil(*loop, [&] { return !compaction->working(); }));
  REQUIRE(compaction->busy());
  flush_status = Error{"no"};
  CHECK_FALSE(ingest->Commit());
  CHECK(Count("block") == 0);
  flush_status = {};
  REQUIRE(ingest->Commit());
  CHECK(Count("block") > 0);
  Settle();
  CheckWhole(1000);
}

TEST_CASE_METHOD(Fixture, "a late batch goes into the block that is there") {
  agent.epoch_ms = store::WindowOf(agent.epoch_ms) + store::kWindowMs;
  Give(1, 100);
  Give(102, 480);
  clock.Advance(3h);
  Settle();
  REQUIRE(Count("block") == 2);
  CHECK(compaction->FirstNeeded() == INT64_MAX);
  Receive(agent.Historical({.number = 101, .values = {{load, 101.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(compaction->FirstNeeded() < INT64_MAX);
  Settle();
  CHECK(Count("block") == 2);
  CheckWhole(480);
}

TEST_CASE_METHOD(Fixture, "a window that cannot be read is tried again, and others are made") {
  Give(1, 1500);
  clock.Advance(3h);
  Settle();
  const int64_t blocks = Count("block");
  REQUIRE(blocks >= 3);
  auto db = Database::Open(dir + "/telemetry.db", {});
  REQUIRE(db);
  REQUIRE(db->Exec("UPDATE block SET bytes = x'00' WHERE id = 1"));
  for (const uint64_t number : {1501, 1502}) {
    Receive(agent.Live({.number = number, .values = {{load, 0.0}}}));
  }
  Receive(agent.Historical({.number = 1503, .values = {{load, 1503.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  REQUIRE(
      db->Exec("UPDATE journal SET time_ms = (SELECT window_ms FROM block WHERE id = 1)"
               " WHERE number = 1503"));
  clock.Advance(3h);
  Restart();
  Settle();
  CHECK(compaction->open_windows() == 1);
  CHECK(Count("block WHERE ticks = 1") == 0);
  CHECK(Count("block") == blocks);
}
