#include "collector/head_rebuild.h"
#include "collector/store/holes.h"
#include "collector/store/reader.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

namespace {

// The gap ledger as the file has it.
struct LedgerFixture : Fixture {
  std::vector<store::HoleRow> Ledger() {
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    auto select = db->Prepare(std::string(store::kSelectHole) + " ORDER BY id");
    REQUIRE(select);
    std::vector<store::HoleRow> rows;
    while (*select->Step()) rows.push_back(store::ReadHole(*select));
    return rows;
  }
  void Live(uint64_t number) { Receive(agent.Live(Tick(number, 1, true))); }
  void Late(uint64_t number) { Receive(agent.Historical(Tick(number, 1, true))); }
  void Commit() { REQUIRE(ingest->Commit()); }
};

}  // namespace

TEST_CASE_METHOD(LedgerFixture, "an outage is in the ledger until all that was missing came") {
  Born();
  Live(1);
  clock.Advance(1h);
  Live(10);
  Commit();
  auto ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].range == store::NumberRange{2, 9});
  CHECK(ledger[0].from_ms == agent.TimeOf(1));
  CHECK(ledger[0].to_ms == agent.TimeOf(10));
  CHECK(ledger[0].recovered == 0);
  CHECK_FALSE(ledger[0].closed_ms);
  for (uint64_t n = 9; n >= 5; --n) Late(n);
  Commit();
  CHECK(Ledger()[0].recovered == 5);
  Reopen();
  clock.Advance(3min);
  for (uint64_t n = 4; n >= 2; --n) Late(n);
  Commit();
  ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].recovered == 8);
  CHECK(ledger[0].lost == 0);
  CHECK(ledger[0].closed_ms == clock.WallMs());
  auto reader = store::OpenReader(dir + "/telemetry.db");
  REQUIRE(reader);
  auto gaps = (*reader)->Gaps("pc-1", agent.TimeOf(5), agent.TimeOf(6));
  REQUIRE(gaps);
  REQUIRE(gaps->size() == 1);
  CHECK(gaps->at(0).batches == 8);
  CHECK(gaps->at(0).recovered == 8);
  CHECK((*reader)->Gaps("pc-1", agent.TimeOf(11), agent.TimeOf(12))->empty());
  CHECK((*reader)->Gaps("pc-1", 0, agent.TimeOf(1) - 1)->empty());
  CHECK((*reader)->Gaps("pc-2", 0, agent.TimeOf(20))->empty());
}

TEST_CASE_METHOD(LedgerFixture, "an outage that is made up for at once is told all the same") {
  Born();
  Live(1);
  clock.Advance(1h);
  Live(241);
  for (uint64_t n = 240; n >= 2; --n) Late(n);
  Commit();
  REQUIRE(Ledger().size() == 1);
  CHECK(Ledger()[0].recovered == 239);
  CHECK(Ledger()[0].closed_ms);
}

TEST_CASE_METHOD(LedgerFixture, "a batch that was only sent again is not told") {
  Born();
  Live(1);
  Live(3);
  Commit();
  CHECK(Ledger().size() == 1);
  clock.Advance(30s);
  Late(2);
  Commit();
  CHECK(Ledger().empty());
}

TEST_CASE_METHOD(LedgerFixture, "what its machine dropped is lost, with its reason") {
  Born();
  Live(1);
  Live(10);
  Commit();
  sparkplug::Birth birth = agent.birth();
  birth.held = {{0xA1, 5, 11, "full"}};
  Receive(agent.Birth(birth));
  Commit();
  auto ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].lost == 3);
  CHECK(ledger[0].reason == "full");
  CHECK_FALSE(ledger[0].closed_ms);
  for (uint64_t n = 5; n <= 9; ++n) Late(n);
  Commit();
  ledger = Ledger();
  CHECK(ledger[0].recovered == 5);
  CHECK(ledger[0].closed_ms);
  CHECK(Count("gap WHERE first = 2 AND last = 4 AND reason = 'full'") == 1);
}

TEST_CASE_METHOD(LedgerFixture, "what was dropped before anything came is told too") {
  sparkplug::Birth birth = agent.birth();
  birth.held = {{0xA1, 101, 301, "age"}};
  Receive(agent.Birth(birth));
  Commit();
  auto ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].lost == 100);
  CHECK(ledger[0].closed_ms);
  CHECK_FALSE(ledger[0].from_ms);
  Live(301);
  Commit();
  CHECK(Ledger().back().range == store::NumberRange{101, 300});
}

TEST_CASE_METHOD(LedgerFixture, "a spool that its machine holds no more has lost what is missing") {
  Born();
  Live(1);
  Live(4);
  Commit();
  sparkplug::Birth birth = agent.birth();
  birth.spool_id = 0xB2;
  birth.held = {{0xB2, 1, 1, ""}};
  Receive(agent.Birth(birth));
  Commit();
  CHECK(Ledger().at(0).lost == 0);  // a copy of the machine may still hold it
  clock.Advance(25h);
  Receive(agent.Birth(birth));
  Commit();
  const auto ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].lost == 2);
  CHECK(ledger[0].reason == "spool_gone");
}

TEST_CASE_METHOD(LedgerFixture, "a transaction that is lost takes its entries with it") {
  Born();
  Live(1);
  Commit();
  Live(5);
  flush_status = Error{"disk full"};
  CHECK_FALSE(ingest->Commit());
  flush_status = {};
  Commit();
  CHECK(Ledger().empty());
  Late(5);
  Commit();
  REQUIRE(Ledger().size() == 1);
  CHECK(Ledger()[0].range == store::NumberRange{2, 4});
}

TEST_CASE_METHOD(LedgerFixture, "the newest batch's CRC is kept with its number") {
  Born();
  Live(1);
  Live(2);
  Commit();
  const auto crc = machine("pc-1").live->highest_crc;
  REQUIRE(crc);
  Reopen();
  CHECK(machine("pc-1").live->highest_crc == crc);
  Late(2);
  CHECK(machine("pc-1").live->highest_crc == crc);
}

TEST_CASE_METHOD(LedgerFixture, "batches that are set aside one after the other are one entry") {
  Born();
  Live(1);
  TestAgent before = agent;
  before.boot_id = 99;  // never seen live
  before.clock_ahead_ms = 1420070400000 - before.epoch_ms;
  Receive(before.Historical(Tick(2, 2)));
  Commit();
  auto ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].from_ms == agent.TimeOf(1));
  CHECK(ledger[0].to_ms == agent.TimeOf(1) + 15000);  // it came at once, but was a tick later
  for (uint64_t n = 3; n <= 50; ++n) {
    clock.Advance(15s);
    Receive(before.Historical(Tick(n, 2)));
    if (n % 10 == 0) Commit();
  }
  ledger = Ledger();
  REQUIRE(ledger.size() == 1);
  CHECK(ledger[0].range == store::NumberRange{2, 50});
  CHECK(ledger[0].lost == 49);
  CHECK(ledger[0].recovered == 0);
  CHECK(ledger[0].from_ms == agent.TimeOf(1));
  CHECK(ledger[0].to_ms == clock.WallMs());
  CHECK(ledger[0].closed_ms == clock.WallMs());
  Live(51);
  Receive(before.Historical(Tick(52, 2)));
  Commit();
  REQUIRE(Ledger().size() == 2);
  CHECK(Ledger()[1].from_ms == agent.TimeOf(51));
}

TEST_CASE_METHOD(LedgerFixture, "a loss that goes on in a transaction that is lost is told whole") {
  Born();
  Live(1);
  TestAgent before = agent;
  before.boot_id = 99;
  before.clock_ahead_ms = 1420070400000 - before.epoch_ms;
  Receive(before.Historical(Tick(2, 2)));
  Commit();
  Receive(before.Historical(Tick(3, 2)));
  flush_status = Error{"disk full"};
  CHECK_FALSE(ingest->Commit());
  flush_status = {};
  CHECK(Ledger()[0].lost == 1);
  clock.Advance(15s);
  for (uint64_t n = 3; n <= 4; ++n) Receive(before.Historical(Tick(n, 2)));
  Commit();
  uint64_t lost = 0;
  for (const store::HoleRow& row : Ledger()) lost += row.lost;
  CHECK(lost == 3);
  CHECK(Count("gap") == 3);
}

TEST_CASE_METHOD(LedgerFixture, "when the batch before an outage was is known after a start too") {
  Born();
  Live(1);
  Live(2);
  Commit();
  Reopen();
  sparkplug::BatchDecoder decoder;
  REQUIRE(RebuildHead(*store, *fleet, machine("pc-1"), decoder));
  clock.Advance(1h);
  Live(9);
  Commit();
  REQUIRE(Ledger().size() == 1);
  CHECK(Ledger()[0].from_ms == agent.TimeOf(2));
}

TEST_CASE_METHOD(Fixture,
                 "an agent whose spool was damaged begins its aliases anew beside the old id") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  TestAgent anew("pc-1", 0xD4);
  const uint64_t other = anew.Declare({"node_load15", {}});
  REQUIRE(other == load);
  sparkplug::Birth birth = anew.birth();
  birth.held = {{0xA1, 5, 5, "corrupt"}, {0xD4, 1, 1, ""}};  // of the old one nothing can come
  Receive(anew.Birth(birth));
  Receive(anew.Live({.number = 1, .values = {{other, 7.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(Value("pc-1", other) == 7);
  CHECK(Count("gap") == 1);  // batches 2 to 4
}
