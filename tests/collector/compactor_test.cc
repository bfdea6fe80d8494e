#include "collector/store/compactor.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "collector/store/reader.h"
#include "collector/store/window.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector::testing;
using store::WindowOf;

namespace {

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t used =
      agent.Declare({"node_filesystem_avail_bytes", {{"mountpoint", "/"}}}, DataType::kUInt64, 1);

  Fixture() { Receive(agent.Birth()); }

  std::vector<store::Window> Windows() {
    std::vector<store::Window> windows;
    REQUIRE(store->ForEachUncovered([&](int64_t machine, int64_t time_ms, int64_t) {
      const store::Window window{machine, WindowOf(time_ms)};
      if (windows.empty() || windows.back() != window) windows.push_back(window);
    }));
    return windows;
  }

  // Makes blocks of everything that the journal has, then takes it out of the journal where `drop`.
  void Compact(bool drop) {
    REQUIRE(ingest->Commit());
    auto compactor = store::Compactor::Open(dir + "/telemetry.db");
    REQUIRE(compactor);
    for (auto windows = Windows(); !windows.empty(); windows = Windows()) {
      for (const store::Window& window : windows) {
        const auto made = (*compactor)->Make(window);
        REQUIRE(made);
        CHECK(made->unreadable == 0);
        REQUIRE_FALSE(made->row.bytes.empty());
        REQUIRE(store->Put(made->row));
        REQUIRE(store->Commit());
      }
    }
    if (drop) Drop();
  }
  void Drop() {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec("DELETE FROM journal WHERE id < (SELECT max(id) FROM journal)"));
  }

  std::vector<query::Column> Read(const std::string& metric) {
    auto reader = store::OpenReader(dir + "/telemetry.db");
    REQUIRE(reader);
    auto answer = (*reader)->Range(
        store::AsRange({"pc-1", metric, {}, agent.TimeOf(0), agent.TimeOf(1 << 20), {}}), {});
    REQUIRE(answer);
    return answer->columns;
  }
};

bool Same(const std::vector<query::Column>& a, const std::vector<query::Column>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].series != b[i].series || a[i].times_ms != b[i].times_ms) return false;
    for (size_t k = 0; k < a[i].values.size(); ++k) {
      const double left = a[i].values[k], right = b[i].values[k];
      if (left != right && !(std::isnan(left) && std::isnan(right))) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "blocks answer as the journal did, whatever came when") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<TestAgent::Tick> late;
    const uint64_t first = (seed - 1) * 1000 + 1;
    for (uint64_t number = first; number < first + 900; ++number) {
      TestAgent::Tick tick;
      tick.number = number;
      tick.full = number % 40 == 1;
      if (tick.full || random() % 3 == 0) {
        tick.values[load] = static_cast<double>(random() % 100) / 4;
      }
      if (tick.full || random() % 9 == 0) tick.values[used] = uint64_t{random() % 1000};
      if (random() % 50 == 0) tick.values[used] = Null{};
      if (random() % 60 == 0) tick.groups = 1;
      if (random() % 20 == 0) {
        late.push_back(tick);
      } else {
        Receive(agent.Live(tick));
      }
    }
    INFO("seed " << seed);
    REQUIRE(ingest->Commit());
    const auto with_holes = Read("node_load1");
    Compact(seed % 2 == 0);
    CHECK(Same(Read("node_load1"), with_holes));
    for (const TestAgent::Tick& tick : late) Receive(agent.Historical(tick));
    REQUIRE(ingest->Commit());
    const auto whole = Read("node_load1");
    const auto disk = Read("node_filesystem_avail_bytes");
    CHECK_FALSE(Same(whole, with_holes));
    Compact(true);
    CHECK(Same(Read("node_load1"), whole));
    CHECK(Same(Read("node_filesystem_avail_bytes"), disk));
  }
  CHECK(Count("journal") == 1);
  CHECK(Count("block WHERE part = 0") == Count("block"));
}

TEST_CASE_METHOD(Fixture, "a window with more rows than a block may have gets parts") {
  TestAgent busy("busy");
  busy.Declare({"node_load1", {}});
  Receive(busy.Birth());
  constexpr uint64_t kTicks = store::kMaxBlockTicks + 500;
  busy.epoch_ms = WindowOf(busy.epoch_ms) + 60'000;
  for (uint64_t number = 1; number <= kTicks; ++number) {
    // All within two minutes of one window.
    busy.epoch_ms -= 15000 - 10;
    Receive(busy.Historical({.number = number, .values = {{32, static_cast<double>(number)}}}));
  }
  Compact(true);
  CHECK(Count("block WHERE machine = 2") == 2);
  auto reader = store::OpenReader(dir + "/telemetry.db");
  REQUIRE(reader);
  auto answer = (*reader)->Range(
      store::AsRange({"busy", "node_load1", {}, 0, agent.TimeOf(1 << 20), {}}), {});
  REQUIRE(answer);
  REQUIRE(answer->columns.size() == 1);
  CHECK(answer->columns[0].values.size() == kTicks);
  CHECK(std::is_sorted(answer->columns[0].values.begin(), answer->columns[0].values.end()));
}

TEST_CASE_METHOD(Fixture, "what blocks hold is known when it comes again") {
  Receive(agent.Live({.number = 1, .values = {{load, 1.0}}, .full = true}));
  Receive(agent.Live({.number = 2, .values = {{load, 2.0}}}));
  Receive(agent.Live({.number = 3, .values = {}}));
  Compact(true);
  Receive(agent.Live({.number = 2, .values = {{load, 2.0}}}));
  CHECK(metrics->duplicates.Value() == 1);
  CHECK(Count("quarantine") == 0);
  agent.epoch_ms += 3600 * 1000;  // rolled back: the number is given to another batch
  Receive(agent.Live({.number = 2, .values = {{load, 5.0}}}));
  REQUIRE(ingest->Commit());
  CHECK(Count("quarantine WHERE reason = 'other_crc'") == 1);
}
