#include "server/watcher.h"

#include <catch2/catch.hpp>

#include "tests/server/fake_collector.h"
#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::server;
using namespace std::chrono_literals;

namespace {

struct World {
  explicit World(std::vector<query::Objective> objectives = {{"mot-cua", "", 3, 5}},
                 CalendarRules calendar = {})
      : client(collector.address(), collector.secret_file()) {
    auto db = ControlDb::Open(":memory:");
    ControlDb::Sources sources;
    sources.objectives = std::move(objectives);
    sources.calendar = std::move(calendar);
    REQUIRE(db->Import(sources, 1).ok());
    watcher = std::make_unique<Watcher>(clock, client, std::move(*db), live, metrics);
    collector.Set(testing::SmallProvince());
  }

  testing::FakeClock clock;
  testing::FakeCollector collector;
  Live live{clock};
  Metrics metrics{clock};
  CollectorClient client;
  std::unique_ptr<Watcher> watcher;
};

}  // namespace

TEST_CASE("the snapshot is given at first contact and not again") {
  World world;
  world.watcher->Round();
  CHECK(world.live.Now().reachable);
  CHECK(world.collector.snapshot().version == 1);
  CHECK(world.collector.snapshot().objectives.size() == 1);
  for (int i = 0; i < 100; ++i) {
    world.clock.Advance(1s);
    world.watcher->Round();
  }
  CHECK(world.collector.puts() == 1);
}

TEST_CASE("promises and office hours reach the collector, which keeps them as they were told") {
  CalendarRules calendar;
  calendar.week = {{{450, 690}, {780, 1020}}, {}, {}, {}, {}, {}, {}};
  calendar.days = {{"2026-04-27", false}};
  World world({{"mot-cua", "", 3, 5, 0.95, 0.995}}, calendar);
  world.watcher->Round();
  CHECK(world.collector.snapshot().objectives.at(0).share == 0.95);
  CHECK(world.collector.snapshot().objectives.at(0).availability == 0.995);
  CHECK(world.collector.snapshot().calendar == calendar);
  world.clock.Advance(61s);
  world.watcher->Round();
  CHECK(world.collector.puts() == 1);
}

TEST_CASE("a collector that lost its snapshot gets it again") {
  World world;
  world.watcher->Round();
  world.collector.Set(query::Snapshot{});
  SECTION("after an absence") {
    world.collector.FailWith(500);
    world.watcher->Round();
    CHECK(world.collector.snapshot().version == 0);
    world.collector.FailWith(0);
    world.watcher->Round();
  }
  SECTION("with another store") {
    query::Overview overview = testing::SmallProvince();
    overview.store_id = "00000000000000ff";
    world.collector.Set(overview);
    world.watcher->Round();
  }
  SECTION("within a minute in any case") {
    world.clock.Advance(61s);
    world.watcher->Round();
  }
  CHECK(world.collector.snapshot().version == 1);
}

TEST_CASE("a control.db made anew goes past the number that the collector knows") {
  World world;
  query::Snapshot other;
  other.version = 9;
  other.objectives.push_back({"cũ", "", 1, 1});
  world.collector.Set(other);
  world.watcher->Round();
  CHECK(world.collector.snapshot().version == 10);
  CHECK(world.collector.snapshot().objectives.at(0).journey == "mot-cua");
}

TEST_CASE("equal content under a higher number is taken over, not sent") {
  World world;
  query::Snapshot same;
  same.version = 9;
  same.objectives.push_back({"mot-cua", "", 3, 5});
  world.collector.Set(same);
  world.watcher->Round();
  CHECK(world.collector.puts() == 0);
  CHECK(world.live.Now().snapshot->version == 9);
}

TEST_CASE("failures are told and counted, and end with the next answer") {
  World world;
  world.watcher->Round();
  world.collector.FailWith(503);
  world.clock.Advance(6s);
  world.watcher->Round();
  CHECK_FALSE(world.live.Now().reachable);
  CHECK(world.live.Now().reason.find("503") != std::string::npos);
  CHECK(world.metrics.Text().find("haidang_server_collector_up 0") != std::string::npos);
  world.collector.FailWith(0);
  world.watcher->Round();
  CHECK(world.live.Now().reachable);
  CHECK(world.metrics.Text().find("haidang_server_collector_up 1") != std::string::npos);
  CHECK(world.metrics.Text().find("haidang_server_collector_failures_total 1") !=
        std::string::npos);
}

TEST_CASE("its thread asks by itself and ends when told") {
  World world;
  world.watcher->Start();
  uint64_t seen = 0;
  while (!world.live.Now().reachable) {
    world.live.WaitForChange(seen, 20s);
    seen = world.live.version();
  }
  world.client.Stop();
  world.watcher->Stop();
  CHECK(world.live.Now().overview != nullptr);
}
