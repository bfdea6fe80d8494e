#include <cmath>

#include "collector/complaints.h"
#include "tests/agent/log_capture.h"
#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

// What the network may not make the collector do, or keep.

TEST_CASE_METHOD(Fixture, "held messages are bounded, and what is dropped is not acknowledged") {
  options.held.machine_bytes = 1000;
  Reopen();
  for (uint64_t n = 1; n <= 50; ++n) Receive(agent.Live(Tick(n, 1, n == 1)));
  CHECK(metrics->held_dropped.Value() > 0);
  CHECK(metrics->held_bytes.Value() <= 1000);
  Receive(agent.Birth());
  REQUIRE(ingest->Commit());
  const auto journal = Journal();
  CHECK(journal.size() + static_cast<size_t>(metrics->held_dropped.Value()) == 50);
  const auto acknowledged = Acknowledged();
  CHECK(acknowledged.back().cumulative == 0);
  for (const auto& range : acknowledged.back().ranges) {
    for (uint64_t n = range.first; n <= range.last; ++n) CHECK(journal.contains({0xA1, n}));
  }
}

TEST_CASE_METHOD(Fixture, "an agent that begins a thousand spools is heard with the newest") {
  Born();
  for (uint64_t start = 1; start <= 1200; ++start) {
    TestAgent crashed("pc-1", 0x10000 + start);
    crashed.Declare({"node_load1", {}});
    Receive(crashed.Birth());
    Receive(crashed.Live(Tick(1, static_cast<double>(start), true)));
    REQUIRE(ingest->Commit());
  }
  CHECK(Value("pc-1", load) == 1200);
  CHECK(Journal().contains({0x10000 + 1200, 1}));
  CHECK(Count("spool") <= 1101);
  CHECK(Count("alias") <= 1101 * 2);
}

TEST_CASE_METHOD(Fixture, "aliases beyond the dense ones, and texts without bound") {
  const SeriesId text{"note", {}};
  const uint64_t note = agent.Declare(text, DataType::kString);
  sparkplug::Birth birth = agent.birth();
  birth.series.back().alias = 5000000;
  CHECK(birth.series.back().series == text);
  Receive(agent.Birth(birth));
  Receive(agent.Live({.number = 1, .values = {{5000000, std::string("short")}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Count("journal") == 1);
  const Machine& of = machine("pc-1");
  REQUIRE(of.slots.size() == 3);
  CHECK(of.head.Text(2) == "short");
  Receive(agent.Live(
      {.number = 2, .values = {{5000000, std::string(store::Head::kMaxText + 1, 'x')}}}));
  REQUIRE(ingest->Commit());
  CHECK_FALSE(of.head.Known(2));
  CHECK(note != 5000000);
}

TEST_CASE_METHOD(Fixture, "what is not ours is counted and touches nothing") {
  Born();
  const auto refused = [&](const std::string& topic, std::string payload) {
    Receive({topic, std::move(payload), 0, false});
  };
  refused("spBv1.0/other-group/NDATA/pc-1", "x");
  refused("spBv1.0/quang-ninh/DDATA/pc-1/device", "x");
  refused("something/else", "x");
  refused("spBv1.0/quang-ninh/NDATA/pc-1", "\xFF\xFF\xFF");
  refused("spBv1.0/quang-ninh/NDATA/pc-1", "");
  refused("spBv1.0/quang-ninh/NBIRTH/pc-1", "\x0A");
  refused("spBv1.0/quang-ninh/NDEATH/pc-9", "");
  refused("spBv1.0/quang-ninh/NDATA/pc-1", std::string((1 << 20) + 1, 'x'));
  REQUIRE(ingest->Commit());
  CHECK(Journal().empty());
  CHECK(fleet->machines().size() == 1);
}

TEST_CASE_METHOD(Fixture, "machines and series are capped, and what is beyond does no harm") {
  limits.machines = 2;
  limits.series_per_machine = 1;
  Reopen();
  Born();
  CHECK(metrics->capped_series.Value() == 1);
  Receive(agent.Live({.number = 1, .values = {{load, 1.0}, {up, int64_t{100}}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  CHECK(Value("pc-1", load) == 1);
  CHECK(std::isnan(Value("pc-1", up)));
  Reopen();
  CHECK(std::isnan(Value("pc-1", up)));
  for (const char* name : {"pc-2", "pc-3", "pc-4"}) Receive(TestAgent(name).Birth());
  CHECK(fleet->machines().size() == 2);
}

TEST_CASE_METHOD(Fixture, "a hostile birth is refused whole") {
  sparkplug::Birth birth = agent.birth();
  birth.series[0].alias = birth.series[1].alias;
  Receive(agent.Birth(birth));
  REQUIRE(ingest->Commit());
  CHECK(Count("machine") == 0);
  CHECK(fleet->Find("pc-1") == nullptr);
}

TEST_CASE_METHOD(Fixture, "a machine that leaves every second batch out is bounded too") {
  limits.ranges_per_spool = 10;
  Reopen();
  Born();
  for (uint64_t n = 1; n <= 100; n += 2) Receive(agent.Live(Tick(n, 1, true)));
  CHECK(machine("pc-1").live->committed.ranges().size() == 10);
  // What was refused is sent again until the holes are closed.
  for (int round = 0; round < 10; ++round) {
    for (uint64_t n = 1; n <= 100; ++n) Receive(agent.Historical(Tick(n, 1, true)));
  }
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 100);
}

TEST_CASE_METHOD(Fixture, "old batches go in small steps, and their numbers stay settled") {
  options.retention.raw = 1h;
  Reopen();
  Born();
  for (uint64_t n = 1; n <= 30; ++n) Receive(agent.Live(Tick(n, 1, n == 1)));
  REQUIRE(ingest->Commit());
  clock.Advance(2h);
  Receive(agent.Live(Tick(31, 1)));
  CHECK(ingest->Expire(0, 20) == 20);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 11);
  CHECK(ingest->Expire(0, 20) == 10);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  Receive(agent.Historical(Tick(5, 1)));
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);
  CHECK(machine("pc-1").live->committed.Cumulative() == 31);
}

TEST_CASE_METHOD(Fixture,
                 "spools that their agent holds no more are forgotten with their batches") {
  limits.forget_spools_after_ms = 3600 * 1000;
  Reopen();
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  TestAgent fresh("pc-1", 0xB2);
  fresh.Declare({"node_load15", {}});  // another file: a layout of its own
  Receive(fresh.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Count("spool") == 2);
  clock.Advance(2h);
  Reopen();
  Receive(fresh.Birth());  // since a restart nobody knows when the old one was held last
  REQUIRE(ingest->Commit());
  CHECK(Count("spool") == 2);
  clock.Advance(30min);
  Receive(fresh.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Count("spool") == 2);
  clock.Advance(31min);
  Receive(fresh.Birth());
  REQUIRE(ingest->Commit());
  CHECK(Count("spool") == 1);
  CHECK(Count("alias") == 1);
  CHECK(Count("committed") == 0);
  Receive(fresh.Live({.number = 1, .values = {{32, 5.0}}, .full = true}));
  REQUIRE(ingest->Commit());
  CHECK(Value("pc-1", 32) == 5);
}

TEST_CASE_METHOD(Fixture, "series that came and went give their places to new ones") {
  limits.series_per_machine = 3;
  Reopen();
  Born();
  TestAgent::Tick tick = Tick(1, 1, true);
  Receive(agent.Live(tick));
  // The agent has forgotten one of its two and has two new ones, under new aliases.
  sparkplug::Birth birth = agent.birth();
  std::erase_if(birth.series, [&](const auto& series) { return series.alias == load; });
  sparkplug::BirthSeries fresh = birth.series[0];
  fresh.series = {"node_load5", {}};
  fresh.datatype = DataType::kDouble;
  fresh.alias = 40;
  birth.series.push_back(fresh);
  fresh.series = {"node_load15", {}};
  fresh.alias = 41;
  birth.series.push_back(fresh);
  Receive(agent.Birth(birth));
  tick = {.number = 2, .values = {{up, int64_t{100}}, {40, 5.0}, {41, 15.0}}, .full = true};
  Receive(agent.Live(tick));
  REQUIRE(ingest->Commit());
  const auto as_told = [&] {
    CHECK(machine("pc-1").slots.size() == 3);
    CHECK(fleet->series_count() == 3);
    CHECK(Value("pc-1", up) == 100);
    CHECK(Value("pc-1", 40) == 5);
    CHECK(Value("pc-1", 41) == 15);
  };
  as_told();
  CHECK(metrics->capped_series.Value() == 0);
  Reopen();
  as_told();  // the youngest aliases are read first
}

TEST_CASE_METHOD(Fixture,
                 "no machine fills the journal beyond its share, and what waits comes later") {
  limits.bytes_per_day = 200;
  Reopen();
  Born();
  for (uint64_t n = 1; n <= 100; ++n) Receive(agent.Live(Tick(n, 1, true)));
  REQUIRE(ingest->Commit());
  const size_t stored = Journal().size();
  CHECK(stored > 8);
  CHECK(stored < 100);
  CHECK(machine("pc-1").live->committed.Cumulative() == stored);  // the rest is not acknowledged
  for (int day = 0; day < 60 && Journal().size() < 100; ++day) {
    clock.Advance(24h);
    for (uint64_t n = stored + 1; n <= 100; ++n) Receive(agent.Historical(Tick(n, 1, true)));
    REQUIRE(ingest->Commit());
  }
  CHECK(Journal().size() == 100);
}

TEST_CASE_METHOD(Fixture, "what came while the clock was ahead does not stand before what is old") {
  options.retention.raw = 1h;
  Reopen();
  Born();
  clock.StepWall(std::chrono::hours(24 * 365));
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  clock.StepWall(-std::chrono::hours(24 * 365));
  Receive(agent.Live(Tick(2, 1)));
  REQUIRE(ingest->Commit());
  clock.Advance(30min);
  CHECK(ingest->Expire(0, 1) == 0);
  clock.Advance(2h);
  CHECK(ingest->Expire(0, 10) == 1);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 1);  // the newest
}

TEST_CASE_METHOD(Fixture, "holes that fill one after another are mended together") {
  Born();
  Receive(agent.Live({.number = 1, .values = {{load, 1.0}, {up, int64_t{100}}}, .full = true}));
  Receive(agent.Live(Tick(4, 4)));
  Receive(agent.Historical({.number = 2, .values = {}}));
  REQUIRE(ingest->Commit());
  CHECK(std::isnan(Value("pc-1", up)));  // 3 is missing yet
  clock.Advance(200ms);
  Receive(agent.Historical({.number = 3, .values = {}}));
  REQUIRE(ingest->Commit());
  CHECK(std::isnan(Value("pc-1", up)));
  clock.Advance(1s);
  REQUIRE(ingest->Commit());
  CHECK(Value("pc-1", up) == 100);
}

TEST_CASE("of each kind of trouble the first is said, then one line a minute with the count") {
  const haidang::testing::LogCapture log;
  haidang::testing::FakeClock clock;
  Complaints complaints(clock, "messages refused");
  CHECK(complaints.Met("oversized"));
  int said = 0;
  for (int second = 0; second < 180; ++second) {
    for (int i = 0; i < 10; ++i) said += complaints.Met("malformed");
    complaints.Tick();
    clock.Advance(1s);
  }
  CHECK(said == 1);
  CHECK(log.Count("messages refused (malformed): ") == 2);
  CHECK(log.Count("messages refused (malformed): 609 more in the last minute") == 1);
  CHECK(log.Count("messages refused (malformed): 600 more in the last minute") == 1);
  clock.Advance(60s);
  complaints.Tick();
  CHECK(log.Count("messages refused (malformed): ") == 3);
  clock.Advance(600s);
  complaints.Tick();
  CHECK(log.Count("messages refused") == 3);  // nothing came meanwhile
  CHECK(complaints.Met("malformed"));
}

TEST_CASE_METHOD(Fixture, "what is refused is said by kind, the rest of a burst a minute later") {
  const haidang::testing::LogCapture log;
  limits.series_per_machine = 1;
  Reopen();
  Born();
  CHECK(log.Count("are beyond the limit") == 1);
  for (int i = 0; i < 40; ++i) Receive({"spBv1.0/quang-ninh/NDATA/pc-1", "\xFF\xFF", 0, false});
  Receive({"spBv1.0/quang-ninh/NDATA/pc-1", std::string((1 << 20) + 1, 'x'), 0, false});
  CHECK(log.Count("message refused (malformed): pc-1: ") == 1);
  CHECK(log.Count("message refused (oversized): pc-1: ") == 1);
  clock.Advance(59s);
  ingest->TellHeldBack();
  CHECK(log.Count("more in the last minute") == 0);
  clock.Advance(1s);
  ingest->TellHeldBack();
  CHECK(log.Count("messages refused (malformed): 39 more in the last minute") == 1);
  CHECK(log.Count("more in the last minute") == 1);
}
