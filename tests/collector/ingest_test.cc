#include <cmath>

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

TEST_CASE_METHOD(Fixture, "a birth is answered at once for each spool that it holds") {
  sparkplug::Birth birth = agent.birth();
  birth.held.push_back({0xB2, 4, 9, "full"});
  Receive(agent.Birth(birth));
  CHECK(published.empty());  // not before it is committed
  REQUIRE(ingest->Commit());
  const auto acknowledged = Acknowledged();
  REQUIRE(acknowledged.size() == 2);
  CHECK(acknowledged[0].cumulative == 0);
  CHECK(acknowledged[1].spool_id == 0xB2);
  CHECK(acknowledged[1].cumulative == 3);  // what will never come is settled
  CHECK(Count("gap") == 1);
  Receive(agent.Birth(birth));
  REQUIRE(ingest->Commit());
  CHECK(Acknowledged().size() == 2);
  CHECK(Count("gap") == 1);
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

TEST_CASE_METHOD(Fixture,
                 "what no birth explains is held, and a birth asked for at a limited rate") {
  for (uint64_t n = 1; n <= 5; ++n) {
    Receive(agent.Live(Tick(n, static_cast<double>(n), n == 1)));
    clock.Advance(1s);
  }
  REQUIRE(ingest->Commit());
  CHECK(Journal().empty());
  CHECK(Rebirths() == 1);
  CHECK(presences.empty());  // nobody yet
  Receive(agent.Birth(6));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 5);
  CHECK(Value("pc-1", load) == 5);
  CHECK(Acknowledged().back().cumulative == 5);
  CHECK(metrics->held_messages.Value() == 0);
}

TEST_CASE_METHOD(Fixture, "a new alias without its birth holds only its own batch") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  TestAgent grown = agent;
  const uint64_t extra = grown.Declare({"node_load5", {}});
  Receive(grown.Live({.number = 2, .values = {{extra, 9.0}}}));
  Receive(agent.Live(Tick(3, 3)));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(std::isnan(Value("pc-1", extra)));
  CHECK(Rebirths() == 1);
  Receive(grown.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 3);
  CHECK(Value("pc-1", extra) == 9);  // the hole is filled, and the head mended
  CHECK(Value("pc-1", load) == 3);
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

TEST_CASE_METHOD(Fixture,
                 "an alias that gets a second meaning within one spool id stores nothing more") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  Acknowledged();
  TestAgent rolled_back("pc-1");
  const uint64_t other = rolled_back.Declare({"node_load15", {}});
  CHECK(other == load);
  Receive(rolled_back.Birth());
  Receive(rolled_back.Live({.number = 2, .values = {{other, 7.0}}}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  Reopen();
  Receive(rolled_back.Live({.number = 3, .values = {{other, 7.0}}}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  Receive(rolled_back.Birth());
  REQUIRE(ingest->Commit());
  const auto acknowledged = Acknowledged();
  REQUIRE_FALSE(acknowledged.empty());
  CHECK(acknowledged.back().cumulative == 1);
  // With a spool id of its own it may say what it likes.
  TestAgent fresh("pc-1", 0xD4);
  fresh.Declare({"node_load15", {}});
  Receive(fresh.Birth());
  Receive(fresh.Live({.number = 1, .values = {{other, 7.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(Value("pc-1", other) == 7);
}

TEST_CASE_METHOD(Fixture,
                 "an agent installed anew gets aliases of its own, whatever it tells first") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  TestAgent anew("pc-1", 0xD4);
  Receive(anew.Birth());  // before its first tick it has no series to declare
  const uint64_t other = anew.Declare({"node_load15", {}});
  CHECK(other == load);
  Receive(anew.Birth());
  Receive(anew.Live({.number = 1, .values = {{other, 7.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(Value("pc-1", other) == 7);
}

TEST_CASE_METHOD(Fixture,
                 "tck-id-payloads-ndeath-bdseq: a death of another session does not count") {
  Born();
  TestAgent earlier = agent;
  earlier.bd_seq = 6;
  Receive(earlier.Death());
  CHECK(machine("pc-1").presence.online());
  Receive(agent.Death());
  CHECK(machine("pc-1").presence.state() == query::State::kVanished);
  CHECK(presences.size() == 2);
  REQUIRE(ingest->Commit());
  Reopen();
  CHECK(machine("pc-1").presence.state() == query::State::kVanished);
}

TEST_CASE_METHOD(Fixture, "a goodbye and a death are a stop; a historical goodbye is none") {
  Born();
  TestAgent::Tick last = Tick(1, 1, true);
  last.state = sparkplug::AgentState::kStopping;
  SECTION("live") {
    Receive(agent.Live(last));
    Receive(agent.Death());
    CHECK(machine("pc-1").presence.state() == query::State::kStopped);
  }
  SECTION("historical") {
    Receive(agent.Historical(last));
    Receive(agent.Death());
    CHECK(machine("pc-1").presence.state() == query::State::kVanished);
  }
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

TEST_CASE_METHOD(Fixture, "the place that births tell is kept with its dates") {
  Born();
  clock.Advance(60s);
  Receive(agent.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Count("machine_info") == 1);
  agent.site = "06655";
  Receive(agent.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Count("machine_info") == 2);
  CHECK(Count("machine_info WHERE valid_to_ms IS NULL") == 1);
  Reopen();
  CHECK(machine("pc-1").site == "06655");
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

TEST_CASE_METHOD(Fixture, "places go on one after another though the clock steps back") {
  Born();
  clock.StepWall(-1h);
  for (const char* site : {"06655", "06661"}) {
    agent.site = site;
    Receive(agent.Birth());
    REQUIRE(ingest->Commit());
  }
  CHECK(Count("machine_info") == 3);
  CHECK(Count("machine_info WHERE valid_to_ms IS NULL AND site = '06661'") == 1);
  CHECK(Count("machine_info WHERE valid_to_ms <= valid_from_ms") == 0);
  Reopen();
  CHECK(machine("pc-1").site == "06661");
}

TEST_CASE_METHOD(Fixture, "who holds backlog is granted a rate with the answer to its birth") {
  Receive(agent.Birth(3));
  REQUIRE(ingest->Commit());
  const auto rates = [&] {
    std::vector<double> all;
    for (const auto& command : TakeCommands("pc-1")) {
      if (command.backfill_rate) all.push_back(*command.backfill_rate);
    }
    return all;
  };
  CHECK(rates().empty());  // two batches are on their way
  Receive(agent.Birth(100));
  REQUIRE(ingest->Commit());
  CHECK(rates() == std::vector<double>{options.grants.machine});
  CHECK(metrics->catching_up.Value() == 1);
  clock.Advance(31s);
  REQUIRE(ingest->Commit());
  CHECK(metrics->catching_up.Value() == 0);
}

TEST_CASE_METHOD(Fixture,
                 "a machine that was heard before its first birth has a state on disk too") {
  Receive(agent.Live(Tick(1, 1, true)));
  Born();
  CHECK(Count("presence WHERE state = 'online'") == 1);
}
