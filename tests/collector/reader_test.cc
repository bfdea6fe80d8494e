#include "collector/store/reader.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector::testing;

namespace {

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t root =
      agent.Declare({"node_filesystem_avail_bytes", {{"mountpoint", "/"}}}, DataType::kUInt64, 1);
  uint64_t data = agent.Declare({"node_filesystem_avail_bytes", {{"mountpoint", "/data"}}},
                                DataType::kUInt64, 1);
  uint64_t reason = agent.Declare({"haidang_probe_reason", {}}, DataType::kString, 2);
  std::unique_ptr<store::Reader> reader;

  Fixture() { Receive(agent.Birth()); }

  void Give(uint64_t number, std::map<uint64_t, haidang::Value> values, bool full = false) {
    Receive(agent.Live({.number = number, .values = std::move(values), .full = full}));
  }
  // As the query port asks for the pages.
  static store::QueryControl Control() {
    store::QueryControl control;
    control.bounds.columns = 100;
    return control;
  }
  store::SeriesAnswer Ask(store::SeriesQuestion question) {
    REQUIRE(ingest->Commit());
    if (reader == nullptr) {
      auto opened = store::OpenReader(dir + "/telemetry.db");
      REQUIRE(opened);
      reader = std::move(*opened);
    }
    if (question.machine.empty()) question.machine = "pc-1";
    if (question.to_ms == 0) question.to_ms = agent.TimeOf(100000);
    auto answer = reader->Range(store::AsRange(question), Control());
    REQUIRE(answer);
    return *answer;
  }
  query::Column Load(std::optional<int64_t> step = {}, uint64_t from = 0, uint64_t to = 100000) {
    const auto answer = Ask({"", "node_load1", {}, agent.TimeOf(from), agent.TimeOf(to), step});
    REQUIRE(answer.columns.size() == 1);
    return answer.columns[0];
  }
  std::vector<int64_t> Times(std::vector<uint64_t> numbers) const {
    std::vector<int64_t> times;
    for (const uint64_t number : numbers) times.push_back(agent.TimeOf(number));
    return times;
  }
};

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void CheckValues(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("point " << i);
    if (std::isnan(expected[i])) {
      CHECK(std::isnan(got[i]));
    } else {
      CHECK(got[i] == expected[i]);
    }
  }
}

}  // namespace

TEST_CASE_METHOD(Fixture, "each tick has a point, stated or unchanged") {
  Give(1, {{load, 1.0}}, true);
  Give(2, {});
  Give(3, {{load, 3.0}});
  const query::Column column = Load();
  CHECK(column.machine == "pc-1");
  CHECK(column.series == SeriesId{"node_load1", {}});
  CHECK(column.times_ms == Times({1, 2, 3}));
  CheckValues(column.values, {1, 1, 3});
}

TEST_CASE_METHOD(Fixture, "over a hole the value is unknown, once, until it is stated") {
  Give(1, {{load, 1.0}}, true);
  Give(3, {});
  Give(4, {});
  Give(5, {{load, 5.0}});
  CHECK(Load().times_ms == Times({1, 3, 5}));
  CheckValues(Load().values, {1, kNaN, 5});
  Receive(agent.Historical({.number = 2, .values = {{load, 2.0}}}));
  CHECK(Load().times_ms == Times({1, 2, 3, 4, 5}));
  CheckValues(Load().values, {1, 2, 2, 2, 5});
}

TEST_CASE_METHOD(Fixture, "a long silence is told as unknown one interval after the last point") {
  Give(1, {{load, 1.0}}, true);
  agent.epoch_ms += 3600000;
  Give(2, {});
  const auto answer = Ask({"", "node_load1", {}, 0, 0, {}});
  REQUIRE(answer.columns.size() == 1);
  const query::Column& column = answer.columns[0];
  REQUIRE(column.times_ms.size() == 3);
  CHECK(column.times_ms[1] == column.times_ms[0] + 15000);
  CheckValues(column.values, {1, kNaN, 1});
}

TEST_CASE_METHOD(Fixture, "a null is unknown, and so is a group that was not read") {
  Give(1, {{load, 1.0}, {root, uint64_t{10}}}, true);
  Receive(agent.Live({.number = 2, .values = {{load, Null{}}}, .groups = 1}));
  Give(3, {{load, 3.0}, {root, uint64_t{30}}});
  CheckValues(Load().values, {1, kNaN, 3});
  const auto disks = Ask({"", "node_filesystem_avail_bytes", {{"mountpoint", "/"}}, 0, 0, {}});
  REQUIRE(disks.columns.size() == 1);
  CheckValues(disks.columns[0].values, {10, kNaN, 30});
}

TEST_CASE_METHOD(Fixture, "a range begins with what was stated before it, and ends where it says") {
  Give(1, {{load, 1.0}}, true);
  for (uint64_t n = 2; n <= 10; ++n) Give(n, {});
  CHECK(Load({}, 5, 7).times_ms == Times({5, 6, 7}));
  CheckValues(Load({}, 5, 7).values, {1, 1, 1});
}

TEST_CASE_METHOD(Fixture, "a step keeps the last value of each") {
  for (uint64_t n = 0; n < 12; ++n) Give(n + 1, {{load, static_cast<double>(n)}}, n == 0);
  agent.epoch_ms -= agent.epoch_ms % 60000;
  const query::Column column = Load(60000);
  REQUIRE(column.values.size() >= 3);
  CHECK(column.values.size() <= 4);
  CHECK(column.values.back() == 11);
  for (size_t i = 1; i < column.times_ms.size(); ++i) {
    CHECK(column.times_ms[i] / 60000 > column.times_ms[i - 1] / 60000);
  }
}

TEST_CASE_METHOD(Fixture, "labels choose, texts are no numbers, strangers have nothing") {
  Give(1, {{root, uint64_t{10}}, {data, uint64_t{20}}, {reason, std::string("dns")}}, true);
  CHECK(Ask({"", "node_filesystem_avail_bytes", {}, 0, 0, {}}).columns.size() == 2);
  CHECK(Ask({"", "node_filesystem_avail_bytes", {{"mountpoint", "/x"}}, 0, 0, {}}).columns.empty());
  CHECK(Ask({"", "haidang_probe_reason", {}, 0, 0, {}}).columns.empty());
  CHECK(Ask({"", "no_such_metric", {}, 0, 0, {}}).columns.empty());
  CHECK(Ask({"pc-9", "node_load1", {}, 0, 0, {}}).columns.empty());
}

TEST_CASE_METHOD(Fixture, "more than a hundred series are refused") {
  TestAgent wide("pc-2", 0xB2);
  for (int i = 0; i < 101; ++i) wide.Declare({"wide", {{"i", std::to_string(i)}}});
  Receive(wide.Birth());
  Receive(wide.Live({.number = 1, .values = {{32, 1.0}}, .full = true}));
  const auto answer = Ask({"pc-2", "wide", {}, 0, 0, {}});
  CHECK_FALSE(answer.refused.empty());
  CHECK(answer.columns.empty());
  CHECK(Ask({"pc-2", "wide", {{"i", "0"}}, 0, 0, {}}).columns.size() == 1);
}

TEST_CASE_METHOD(Fixture,
                 "a spool's batches are read with its own aliases after a re-installation") {
  Give(1, {{load, 1.0}}, true);
  TestAgent fresh("pc-1", 0xD4);
  fresh.Declare({"node_filesystem_avail_bytes", {{"mountpoint", "/"}}}, DataType::kUInt64);
  const uint64_t moved = fresh.Declare({"node_load1", {}});
  fresh.epoch_ms += 30000;
  Receive(fresh.Birth());
  Receive(fresh.Live({.number = 1, .values = {{moved, 2.0}}, .full = true}));
  CheckValues(Load().values, {1, 2});
}

TEST_CASE_METHOD(Fixture, "events come newest first, of one machine and range") {
  for (uint64_t n = 1; n <= 3; ++n) {
    Receive(agent.Live({.number = n,
                        .values = {},
                        .full = n == 1,
                        .events = {{agent.TimeOf(n), "probe_failed", "mot-cua/tra-cuu", "dns"}}}));
  }
  REQUIRE(ingest->Commit());
  auto opened = store::OpenReader(dir + "/telemetry.db");
  REQUIRE(opened);
  auto events = (*opened)->Events("pc-1", agent.TimeOf(2), agent.TimeOf(3));
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK(events->at(0).event.time_ms == agent.TimeOf(3));
  CHECK(events->at(1).event.key == "mot-cua/tra-cuu");
  CHECK((*opened)->Events("pc-2", 0, INT64_MAX)->empty());
}

TEST_CASE_METHOD(Fixture, "findings are those that were open in the range") {
  const auto put = [&](int64_t id, int64_t opened, std::optional<int64_t> closed) {
    query::Finding finding;
    finding.id = id;
    finding.kind = "machine_vanished";
    finding.machine = "pc-1";
    finding.opened_ms = opened;
    finding.closed_ms = closed;
    REQUIRE(store->Put(finding));
  };
  put(1, 100, 200);
  put(2, 150, {});
  put(3, 300, 400);
  REQUIRE(store->Commit());
  auto opened = store::OpenReader(dir + "/telemetry.db");
  REQUIRE(opened);
  auto findings = (*opened)->Findings(201, 299);
  REQUIRE(findings);
  REQUIRE(findings->size() == 1);
  CHECK(findings->at(0).id == 2);
  CHECK_FALSE(findings->at(0).closed_ms);
  CHECK((*opened)->Findings(0, 1000)->size() == 3);
}
