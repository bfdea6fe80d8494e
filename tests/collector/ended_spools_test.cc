#include "collector/store/audit.h"
#include "collector/store/holes.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;

// What births say of spool ids of which their agents hold nothing any more.

namespace {

constexpr uint64_t kOld = 0xA1;
constexpr uint64_t kNew = 0xB2;

struct EndedFixture : IngestFixture {
  int64_t ended_ms = 0;

  // Batches 1 to 5 came under the old spool id, which ended an hour later.
  EndedFixture() {
    Born();
    for (uint64_t n = 1; n <= 5; ++n) Receive(agent.Live(Tick(n, 1, n == 1)));
    REQUIRE(ingest->Commit());
    clock.Advance(1h);
    ended_ms = clock.WallMs();
    REQUIRE(ingest->Commit());
    TakeCommands("pc-1");
  }
  void NewBirth(std::vector<sparkplug::HeldSpool> others) {
    sparkplug::Birth birth = agent.birth();
    birth.spool_id = kNew;
    birth.held = std::move(others);
    birth.held.push_back({kNew, 1, 1, "", 0});
    Receive(agent.Birth(birth));
    REQUIRE(ingest->Commit());
  }
  sparkplug::HeldSpool Ended(uint64_t next, uint64_t spool_id = kOld) const {
    return {spool_id, next, next, "", ended_ms};
  }
  std::vector<store::HoleRow> Ledger() {
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    auto select = db->Prepare(std::string(store::kSelectHole) + " ORDER BY id");
    REQUIRE(select);
    std::vector<store::HoleRow> rows;
    while (*select->Step()) rows.push_back(store::ReadHole(*select));
    return rows;
  }
};

}  // namespace

TEST_CASE_METHOD(EndedFixture, "what came whole and ended is nothing to tell, and not answered") {
  NewBirth({Ended(6)});
  CHECK(Ledger().empty());
  CHECK(Count("gap") == 0);
  const auto acknowledged = Acknowledged();
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].spool_id == kNew);
}

TEST_CASE_METHOD(EndedFixture, "what a restored store has not of an ended spool id is lost") {
  NewBirth({Ended(21), Ended(101, 0xC3)});
  const auto ledger = Ledger();
  REQUIRE(ledger.size() == 2);
  CHECK(ledger[0].range == store::NumberRange{6, 20});
  CHECK(ledger[0].from_ms == agent.TimeOf(5));
  CHECK(ledger[0].to_ms == ended_ms);
  CHECK(ledger[0].lost == 15);
  CHECK(ledger[0].reason == "not_kept");
  CHECK(ledger[0].closed_ms);
  CHECK(ledger[1].range == store::NumberRange{1, 100});
  CHECK_FALSE(ledger[1].from_ms);
  CHECK(ledger[1].lost == 100);
  CHECK(metrics->gap_batches.Value() == 115);
  NewBirth({Ended(21), Ended(101, 0xC3)});  // each birth says it again
  CHECK(Ledger().size() == 2);
  Reopen();
  NewBirth({Ended(21), Ended(101, 0xC3)});
  CHECK(Ledger().size() == 2);
}

TEST_CASE_METHOD(EndedFixture, "a spool id is known for as long as births name it") {
  for (int day = 0; day < 60; ++day) {
    clock.Advance(24h);
    NewBirth({Ended(6)});
    (void)ingest->Expire(0, 1000);
    REQUIRE(ingest->Commit());
  }
  CHECK(Journal().size() == 1);
  CHECK(Ledger().empty());
  CHECK(Count("spool") == 2);
  for (int day = 0; day < 33; ++day) {
    clock.Advance(24h);
    NewBirth({});
  }
  CHECK(Count("spool") == 1);
  // An agent that was rolled back names it once more, and it had all come.
  NewBirth({Ended(6)});
  CHECK(Ledger().empty());
  CHECK(Count("spool") == 1);
}

TEST_CASE_METHOD(EndedFixture, "who names as many spool ids as there may be makes none forgotten") {
  std::vector<sparkplug::HeldSpool> others{Ended(6)};
  for (uint64_t id = 1; id < sparkplug::kMaxHeldSpools - 1; ++id) {
    others.push_back({0x1000 + id, 1, 2, "", 0});
  }
  NewBirth(others);
  for (auto& other : others) {
    if (other.spool_id != kOld) other.spool_id += 0x10000;
  }
  NewBirth(others);
  NewBirth(others);
  CHECK(Ledger().empty());
  CHECK(Count("gap") == 0);
}

TEST_CASE_METHOD(EndedFixture, "numbers of a copy of the machine are lost once that is gone") {
  Receive(agent.Live(Tick(9, 1, true)));
  REQUIRE(ingest->Commit());
  NewBirth({Ended(6)});
  CHECK(Ledger().at(0).lost == 0);  // 6 to 8 may still come from the copy
  clock.Advance(25h);
  NewBirth({Ended(6)});
  REQUIRE(Ledger().size() == 1);
  CHECK(Ledger()[0].lost == 3);
}

TEST_CASE_METHOD(EndedFixture, "a reading that is recorded anew after a roll-back is stored once") {
  NewBirth({Ended(6)});
  // The first is batch 5 again, the second another reading of the same time, the third is new.
  TestAgent anew = agent;
  const auto give = [&](uint64_t number, const TestAgent::Tick& tick, uint64_t as) {
    anew = agent;
    anew.Rename(kNew);
    anew.epoch_ms += (static_cast<int64_t>(as) - static_cast<int64_t>(number)) * 15000;
    TestAgent::Tick given = tick;
    given.number = number;
    Receive(anew.Historical(given));
  };
  give(1, Tick(5, 1), 5);
  give(2, Tick(4, 7), 4);
  give(3, Tick(6, 1), 6);
  REQUIRE(ingest->Commit());
  give(1, Tick(5, 1), 5);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 7);
  CHECK(metrics->duplicates.Value() == 2);
  CHECK(Count("gap WHERE reason = 'same_reading' AND first = 1 AND last = 1") == 1);
  CHECK(Count("quarantine") == 0);
  CHECK(Ledger().empty());
  clock.Advance(6s);
  REQUIRE(ingest->Commit());
  uint64_t settled = 0;
  for (const auto& committed : Acknowledged()) {
    if (committed.spool_id == kNew) settled = std::max(settled, committed.cumulative);
  }
  CHECK(settled == 3);
  const auto audit = store::CheckStore(dir + "/telemetry.db");
  REQUIRE(audit);
  CHECK(audit->whole());
  CHECK(audit->lost_batches == 0);
}
