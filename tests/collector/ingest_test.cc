#include <cmath>

#include "collector/store/audit.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

TEST_CASE_METHOD(Fixture, "a batch is stored, then acknowledged, and not before") {
  Born();
  Acknowledged();
  Receive(agent.Live(Tick(1, 0.5, true)));
  CHECK(Journal().empty());
  CHECK(Acknowledged().empty());
  clock.Advance(5s);
  REQUIRE(ingest->Commit());
  CHECK(Journal() == std::map<std::pair<uint64_t, uint64_t>, int>{{{0xA1, 1}, 1}});
  const auto acknowledged = Acknowledged();
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].store_id == store->id());
  CHECK(acknowledged[0].spool_id == 0xA1);
  CHECK(acknowledged[0].cumulative == 1);
  CHECK(acknowledged[0].newest == 1);
  CHECK(acknowledged[0].received_ms + 5000 == acknowledged[0].sent_ms);
  CHECK(Value("pc-1", load) == 0.5);
  CHECK(machine("pc-1").presence.online());
  CHECK(ticks == std::vector<std::string>{"pc-1"});
}

TEST_CASE_METHOD(Fixture, "after a birth acknowledgements come at most every five seconds") {
  Born();
  Acknowledged();
  int sent = 0;
  for (uint64_t n = 1; n <= 60; ++n) {
    Receive(agent.Live(Tick(n, 1, n == 1)));
    clock.Advance(500ms);
    REQUIRE(ingest->Commit());
    sent += static_cast<int>(Acknowledged().size());
  }
  CHECK(sent == 6);
}

TEST_CASE_METHOD(Fixture, "an acknowledgement that cannot be sent waits") {
  Born();
  Acknowledged();
  Receive(agent.Live(Tick(1, 1, true)));
  publishing = false;
  clock.Advance(5s);
  REQUIRE(ingest->Commit());
  publishing = true;
  REQUIRE(ingest->Commit());
  CHECK(Acknowledged().size() == 1);
}

TEST_CASE_METHOD(Fixture, "a batch that came already is dropped and acknowledged again") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  Receive(agent.Historical(Tick(1, 1, true)));
  clock.Advance(5s);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  CHECK(Journal().begin()->second == 1);
  CHECK(metrics->duplicates.Value() == 1);
  const auto acknowledged = Acknowledged();
  CHECK(acknowledged.back().cumulative == 1);
}

TEST_CASE_METHOD(Fixture, "a known number with other content is quarantined, not doubled") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  Receive(agent.Live(Tick(2, 1)));
  REQUIRE(ingest->Commit());
  Receive(agent.Live(Tick(1, 2, true)));  // the same time, another value
  TestAgent rolled_back = agent;
  rolled_back.epoch_ms += 3600000;
  Receive(rolled_back.Live(Tick(2, 1)));  // the same value, another time
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(Count("quarantine") == 1);
  CHECK(metrics->duplicates.Value() == 0);
  CHECK(Value("pc-1", load) == 1);
}

TEST_CASE_METHOD(Fixture, "a damaged batch is not settled until it came thrice the same") {
  Born();
  Acknowledged();
  std::string damaged = agent.Live(Tick(1, 1.0, true)).payload;
  const size_t at = damaged.find(std::string("\x00\x00\x00\x00\x00\x00\xF0\x3F", 8));
  REQUIRE(at != std::string::npos);
  damaged[at + 6] = '\xE0';
  for (int i = 0; i < 2; ++i) Receive(agent.Data(damaged));
  clock.Advance(5s);
  REQUIRE(ingest->Commit());
  CHECK(Acknowledged().empty());
  CHECK(Journal().empty());
  Receive(agent.Data(damaged));
  clock.Advance(5s);
  REQUIRE(ingest->Commit());
  const auto acknowledged = Acknowledged();
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].cumulative == 1);
  CHECK(Journal().empty());
  CHECK(Count("gap") == 1);
  CHECK(Count("quarantine") == 1);
}

TEST_CASE_METHOD(Fixture, "a late batch fills its hole in the head") {
  Born();
  Receive(agent.Live({.number = 1, .values = {{load, 1.0}, {up, int64_t{100}}}, .full = true}));
  Receive(agent.Live(Tick(3, 3)));
  REQUIRE(ingest->Commit());
  CHECK(std::isnan(Value("pc-1", up)));
  CHECK(Value("pc-1", load) == 3);
  Receive(agent.Historical(Tick(2, 2)));
  REQUIRE(ingest->Commit());
  CHECK(Value("pc-1", up) == 100);
  CHECK(Value("pc-1", load) == 3);
  CHECK(machine("pc-1").live->committed.Cumulative() == 3);
}

TEST_CASE_METHOD(Fixture, "each batch of an envelope is stored by itself") {
  Born();
  Receive(agent.Envelope({Tick(1, 1, true), Tick(2, 2), Tick(3, 3)}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 3);
  CHECK(Value("pc-1", load) == 3);
  Reopen();
  CHECK(Value("pc-1", load) == 3);  // read back from the journal
}

TEST_CASE_METHOD(Fixture, "the head, the ranges and the machine are there after a restart") {
  Born();
  Receive(agent.Live({.number = 1, .values = {{load, 1.0}, {up, int64_t{100}}}, .full = true}));
  Receive(agent.Live(Tick(2, 2)));
  REQUIRE(ingest->Commit());
  const uint64_t id = store->id();
  Reopen();
  CHECK(store->id() == id);
  CHECK(Value("pc-1", load) == 2);
  CHECK(Value("pc-1", up) == 100);
  CHECK(machine("pc-1").presence.online());
  CHECK(machine("pc-1").site == "06652");
  Receive(agent.Live(Tick(3, 3)));  // no birth is needed
  REQUIRE(ingest->Commit());
  CHECK(Rebirths() == 0);
  CHECK(Journal().size() == 3);
  CHECK(Value("pc-1", up) == 100);
}

TEST_CASE_METHOD(Fixture, "what was not committed is offered again after a crash") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  Reopen();
  CHECK(Journal().empty());
  CHECK(Acknowledged().size() == 1);  // the birth's answer only
  Receive(agent.Historical(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
}

TEST_CASE_METHOD(Fixture,
                 "a commit that fails stores nothing, acknowledges nothing, and is got over") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  clock.Advance(6s);
  REQUIRE(ingest->Commit());
  Acknowledged();
  TestAgent other("pc-2", 0xC3);
  const uint64_t alias = other.Declare({"node_load1", {}});
  Receive(other.Birth());
  Receive(other.Live({.number = 1, .values = {{alias, 4.0}}, .full = true}));
  Receive(agent.Live(Tick(2, 2)));
  flush_status = Error{"disk full"};
  clock.Advance(6s);
  CHECK_FALSE(ingest->Commit());
  CHECK(published.empty());
  CHECK(metrics->commit_failures.Value() == 1);
  CHECK(machine("pc-1").live->committed.Cumulative() == 1);
  flush_status = {};
  REQUIRE(ingest->Commit());
  CHECK(Value("pc-1", load) == 1);  // what is not stored is not shown
  Receive(other.Historical({.number = 1, .values = {{alias, 4.0}}, .full = true}));
  Receive(agent.Historical(Tick(2, 2)));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 3);
  Reopen();
  CHECK(Value("pc-2", alias) == 4);
}

TEST_CASE_METHOD(Fixture, "events are stored with their batch, once") {
  Born();
  TestAgent::Tick tick = Tick(1, 1, true);
  tick.events = {{agent.TimeOf(1), "agent_started", "", "0.1.0"}};
  Receive(agent.Live(tick));
  Receive(agent.Live(tick));
  REQUIRE(ingest->Commit());
  CHECK(Count("event") == 1);
}

TEST_CASE_METHOD(Fixture, "events from an envelope are stored with their batch, once") {
  Born();
  TestAgent::Tick tick = Tick(1, 1, true);
  tick.events = {{agent.TimeOf(1), "agent_started", "", "0.1.0"}};
  Receive(agent.Envelope({tick, Tick(2, 2)}));
  Receive(agent.Envelope({tick, Tick(2, 2)}));
  REQUIRE(ingest->Commit());
  CHECK(Count("event") == 1);
  CHECK(Count("event WHERE kind = 'agent_started' AND text = '0.1.0'") == 1);
  CHECK(Journal().size() == 2);
  const auto audit = store::CheckStore(dir + "/telemetry.db");
  REQUIRE(audit);
  CHECK(audit->whole());  // the CRC covers the events, too
}

TEST_CASE_METHOD(Fixture, "a gap whose transaction is lost is closed by the next one") {
  Born();
  sparkplug::Birth birth = agent.birth();
  birth.held = {{0xA1, 5, 6, "age"}};
  Receive(agent.Birth(birth));
  flush_status = Error{"disk full"};
  CHECK_FALSE(ingest->Commit());
  CHECK(Count("gap") == 0);
  flush_status = {};
  REQUIRE(ingest->Commit());
  CHECK(Count("gap WHERE first = 1 AND last = 4 AND reason = 'age'") == 1);
  CHECK(machine("pc-1").live->committed.Cumulative() == 4);
}
