#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collector/compaction.h"
#include "collector/rollups.h"
#include "collector/store/audit.h"
#include "collector/store/window.h"
#include "tests/collector/rollup_oracle.h"
#include "tests/collector/world.h"
#include "tests/support/fake_loop.h"

namespace haidang::collector::testing {

// A store whose blocks and roll-ups are made in simulated time, and an agent that reads a gauge, a
// counter, a histogram, a text and a number that sometimes is not read.
struct RollupWorld : World {
  int64_t step_ms = 60'000;  // between ticks
  uint64_t full_every = 10;  // ticks: ten minutes

  std::unique_ptr<haidang::testing::FakeLoop> loop;
  std::unique_ptr<Compaction> compaction;
  std::unique_ptr<Rollups> rollups;
  std::chrono::milliseconds raw = std::chrono::hours(24 * 400);
  TestAgent agent{"pc-1"};
  int64_t begin_ms = store::WindowOf(agent.epoch_ms) + 3600 * 1000;  // of the first tick
  uint64_t gauge = agent.Declare({"gauge", {}});
  uint64_t counter = agent.Declare({"counter", {}}, DataType::kUInt64, 1, MetricType::kCounter);
  uint64_t seconds = agent.Declare({"seconds", {}}, DataType::kBytes, 1, MetricType::kHistogram);
  uint64_t odd = agent.Declare({"odd", {}}, DataType::kDouble, 2);
  uint64_t text = agent.Declare({"text", {}}, DataType::kString, 0);
  Oracle oracle;
  std::vector<MqttMessage> unsaved;  // since the last commit
  std::mt19937_64 random{1};
  uint64_t total = 0;
  Histogram took;

  RollupWorld() {
    adjust_observer = [this](IngestObserver& observer) {
      observer.journaled = [this](const store::JournalRow& row, int64_t id) {
        compaction->Came(row.machine, row.time_ms, id);
      };
      observer.flush = [this](store::Store& into) {
        if (auto done = compaction->Flush(into); !done) return done;
        auto done = rollups->Flush(into);
        return done ? flush_status : done;
      };
      observer.saved = [this] {
        compaction->Saved();
        rollups->Saved(false);
      };
      observer.failed = [this](const Error&) {
        compaction->Lost();
        rollups->Lost();
      };
    };
    oracle.groups = {{gauge, 0}, {counter, 1}, {seconds, 1}, {odd, 2}};
    Restart();
    Receive(agent.Birth());
  }

  void Restart() {
    Reopen();
    Begin();
  }
  void Die() {
    Crash();
    Begin();
    // Agents send again what was not acknowledged.
    for (const MqttMessage& message : std::exchange(unsaved, {})) Give(message);
  }
  void Begin() {
    loop = std::make_unique<haidang::testing::FakeLoop>(clock);
    compaction = std::make_unique<Compaction>(*loop, clock, *metrics, dir + "/telemetry.db");
    rollups = std::make_unique<Rollups>(*loop, clock, *metrics, dir + "/telemetry.db", raw);
    REQUIRE(compaction->Begin(*store));
  }

  int64_t TimeOf(uint64_t number) const {
    return begin_ms + static_cast<int64_t>(number) * step_ms;
  }
  void Give(TestAgent& from, const TestAgent::Tick& tick, bool late, int64_t shift_ms = 0) {
    from.epoch_ms += TimeOf(tick.number) + shift_ms - from.TimeOf(tick.number);
    oracle.Told(from.birth().spool_id, from.TimeOf(tick.number), tick);
    Give(late ? from.Historical(tick) : from.Live(tick));
  }
  void Give(const MqttMessage& message) {
    unsaved.push_back(message);
    Receive(message);
  }
  bool Commit() {
    if (!ingest->Commit()) {
      for (const MqttMessage& message : std::exchange(unsaved, {})) Give(message);
      return false;
    }
    unsaved.clear();
    return true;
  }
  // Values are quarters, so that sums are exact in any order.
  TestAgent::Tick Next(uint64_t number) {
    TestAgent::Tick tick;
    tick.number = number;
    tick.full = number % full_every == 1;
    total = random() % 150 == 0 ? random() % 50 : total + random() % 9;
    if (random() % 4 == 0) took.Observe(static_cast<double>(random() % 64) / 4);
    if (random() % 200 == 0) took = {};
    const auto say = [&](uint64_t one_in) { return tick.full || random() % one_in == 0; };
    if (say(2)) tick.values[gauge] = static_cast<double>(random() % 400) / 4;
    if (say(3)) tick.values[counter] = total;
    if (say(3)) tick.values[seconds] = Bytes{took.Encode()};
    if (say(4)) tick.values[odd] = static_cast<double>(random() % 9) / 4;
    if (tick.full) tick.values[text] = std::string("ok");
    if (random() % 30 == 0) tick.values[odd] = Null{};
    if (tick.full && random() % 7 == 0) tick.values.erase(counter);
    if (random() % 25 == 0) tick.groups = random() % 2 == 0 ? 1 : 5;
    return tick;
  }
  void GiveRange(uint64_t first, uint64_t last) {
    for (uint64_t n = first; n <= last; ++n) Give(agent, Next(n), false);
  }
  // Lets it work until there is nothing to do.
  void Settle() {
    REQUIRE(Commit());
    clock.Advance(std::chrono::milliseconds(store::OpenWindows::kQuietMs));
    for (int calm = 0; calm < 2;) {
      clock.Advance(std::chrono::seconds(5));
      compaction->Go();
      loop->RunPosted();
      REQUIRE(Commit());
      rollups->Go(true);
      loop->RunPosted();
      calm = compaction->busy() || !rollups->idle() ? 0 : calm + 1;
      REQUIRE(Commit());
    }
  }

  std::map<uint64_t, int64_t> SeriesRows() {
    std::map<uint64_t, int64_t> rows;
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    auto s = db->Prepare("SELECT id FROM series WHERE metric = ?1");
    REQUIRE(s);
    for (const auto& [alias, name] : std::map<uint64_t, const char*>{
             {gauge, "gauge"}, {counter, "counter"}, {seconds, "seconds"}, {odd, "odd"}}) {
      auto row = s->Bind(1, name).Step();
      REQUIRE(row);
      REQUIRE(*row);
      rows[alias] = s->Int(0);
      s->Reset();
    }
    return rows;
  }
  store::RolledUp Read(store::RollupLevel level) {
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    store::WantedRollups wanted;
    for (const auto& [alias, row] : SeriesRows()) wanted.series.insert(row);
    auto read = store::ReadRollups(*db, 1, level, 0, INT64_MAX, wanted);
    REQUIRE(read);
    return std::move(*read);
  }

  // What is covered is what batches say; answers how much time is.
  int64_t CheckCovered(store::RollupLevel level) {
    const store::RolledUp read = Read(level);
    const auto rows = SeriesRows();
    const auto known = oracle.Known();
    INFO("level " << static_cast<int>(level));
    for (const uint64_t alias : {gauge, counter, odd}) {
      INFO("series " << alias);
      const auto expected = Oracle::Covered(
          Oracle::Numbers(known.at(alias), store::BucketMs(level), alias == counter), read.covered);
      const auto found = read.numbers.find(rows.at(alias));
      const auto told = found == read.numbers.end() ? std::map<int64_t, Oracle::Bucket>{}
                                                    : Oracle::Of(found->second, alias == counter);
      CHECK(Oracle::Difference(told, expected) == "");
    }
    const auto expected = Oracle::Covered(
        Oracle::Histograms(known.at(seconds), store::BucketMs(level)), read.covered);
    const auto found = read.histograms.find(rows.at(seconds));
    const auto told =
        found == read.histograms.end() ? std::map<int64_t, Histogram>{} : Oracle::Of(found->second);
    CHECK(Oracle::Difference(told, expected) == "");
    int64_t covered_ms = 0;
    for (const store::Stretch& stretch : read.covered) {
      covered_ms += stretch.to_ms - stretch.from_ms;
    }
    return covered_ms;
  }
  void CheckWhole() {
    const auto audit = store::CheckStore(dir + "/telemetry.db");
    REQUIRE(audit);
    for (const auto& fault : audit->faults) {
      for (const auto& where : fault.where) UNSCOPED_INFO(fault.what << ": " << where);
    }
    CHECK(audit->whole());
  }
};

}  // namespace haidang::collector::testing
