#include "tests/collector/ingest_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = IngestFixture;

TEST_CASE_METHOD(Fixture, "a wrong clock is corrected in the journal, its word kept beside it") {
  machine_clocks_are_right = false;
  Born();
  clock.StepWall(1min);
  agent.clock_ahead_ms = 49000 + 60000 - 15000;
  Receive(agent.Live(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  CHECK(Count("journal WHERE time_ms = " + std::to_string(clock.WallMs())) == 1);
  CHECK(Count("journal WHERE offset_ms = 49000") == 1);
  // Six hours in 2015, offline; then the clock is set and the machine comes back.
  agent.clock_ahead_ms = 1420070400000 - agent.epoch_ms;
  Receive(agent.Historical(Tick(2, 2)));
  REQUIRE(ingest->Commit());
  CHECK(Count("journal WHERE number = 2 AND abs(time_ms - " + std::to_string(agent.TimeOf(2)) +
              ") < 60000") == 1);
  Receive(agent.Historical(Tick(2, 2)));
  CHECK(metrics->duplicates.Value() == 1);
}

TEST_CASE_METHOD(Fixture, "what has no time that makes sense is set aside, and blocks nothing") {
  Born();
  Receive(agent.Live(Tick(1, 1, true)));
  TestAgent before = agent;
  before.boot_id = 99;  // never seen live
  before.clock_ahead_ms = 1420070400000 - before.epoch_ms;
  Receive(before.Historical(Tick(2, 2)));
  Receive(agent.Live(Tick(3, 3)));
  clock.Advance(6s);
  REQUIRE(ingest->Commit());
  CHECK(Journal().size() == 2);
  CHECK(Count("quarantine WHERE reason = 'implausible_time' AND number = 2") == 1);
  CHECK(Count("gap WHERE first = 2 AND last = 2 AND reason = 'implausible_time'") == 1);
  CHECK(machine("pc-1").live->committed.Cumulative() == 3);
}

TEST_CASE_METHOD(Fixture, "a birth tells when its boot was, before any live batch") {
  sparkplug::Birth birth = agent.birth();
  birth.boot_id = agent.boot_id;
  birth.since_boot_ms = clock.WallMs() - agent.boot_ms;
  Receive(agent.Birth(birth));
  agent.clock_ahead_ms = 1420070400000 - agent.epoch_ms;
  agent.epoch_ms -= 3600 * 1000;
  Receive(agent.Historical(Tick(1, 1, true)));
  REQUIRE(ingest->Commit());
  CHECK(Count("journal WHERE time_ms = " + std::to_string(agent.TimeOf(1))) == 1);
  Reopen();
  CHECK(machine("pc-1").clock.Find(agent.boot_id) != nullptr);
}

TEST_CASE_METHOD(Fixture, "what a machine measures of its clock corrects it") {
  const uint64_t offset = agent.Declare({"haidang_agent_clock_offset_seconds", {}});
  const uint64_t error = agent.Declare({"haidang_agent_clock_error_seconds", {}});
  Born();
  agent.clock_ahead_ms = -49000;  // slow: as if its batches were long under way
  const std::map<uint64_t, haidang::Value> told{{offset, -49.0}, {error, 0.02}};
  clock.StepWall(15s);
  Receive(agent.Live({.number = 1, .values = told, .full = true}));
  clock.StepWall(15s);
  Receive(agent.Live({.number = 2, .values = {}}));
  REQUIRE(ingest->Commit());
  CHECK(Count("journal WHERE number = 2 AND offset_ms = -49000 AND time_ms = " +
              std::to_string(agent.TimeOf(2))) == 1);
}
