#include "tests/agent/log_capture.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

// What births and deaths say.

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

TEST_CASE_METHOD(Fixture, "a class or a site that cannot be one counts as unknown, and is told") {
  const haidang::testing::LogCapture log;
  agent.machine_class = "may chu\nFAKE: line";
  agent.site = "06652\nFAKE: line";
  Born();
  CHECK(machine("pc-1").registered);
  CHECK(machine("pc-1").machine_class.empty());
  CHECK(machine("pc-1").site.empty());
  CHECK(log.Count("its class") == 1);
  CHECK(log.Count("its site") == 1);
  CHECK(log.Count("FAKE") == 2);  // in the same lines
  for (int i = 0; i < 100; ++i) Receive(agent.Birth());
  CHECK(log.Count("its class") == 1);
  agent.machine_class = "workstation";
  agent.site = std::string(65, '1');
  Receive(agent.Birth());
  REQUIRE(ingest->Commit());
  CHECK(machine("pc-1").machine_class == "workstation");
  CHECK(machine("pc-1").site.empty());
  for (const auto& family : metrics->registry().Collect()) {
    if (family.name != "haidang_collector_odd_births_total") continue;
    for (const auto& metric : family.metric) {
      CHECK(metric.counter.value == (metric.label[0].value == "class" ? 101 : 102));
    }
  }
  agent.site = "Phường Hồng Gai";
  Receive(agent.Birth());
  CHECK(machine("pc-1").site == "Phường Hồng Gai");
}
