#include "agent/recorder.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::FileSizeLimit;
using haidang::testing::LogCapture;
using haidang::testing::TempDir;

namespace {

Reading Read(const std::string& metric, Value value) { return {{metric, {}}, std::move(value)}; }

GroupReading Group(const std::string& name, std::vector<Reading> readings) {
  return {name, true, std::move(readings)};
}
GroupReading Failed(const std::string& name) { return {name, false, {}}; }

// A recorder on a real spool; what a batch states comes back by names.
class Bench {
 public:
  explicit Bench(size_t max_series = 100) : max_series_(max_series) { Open(); }

  void Open() {
    recorder_.reset();
    spool_.reset();
    auto spool = Spool::Open({dir_ / "spool.db"}, clock_, [this] { return ++ids_; });
    REQUIRE(spool.ok());
    spool_ = std::move(spool).value();
    RecorderOptions options;
    options.boot_id = 77;
    options.max_series = max_series_;
    recorder_ = std::make_unique<Recorder>(*spool_, clock_, options);
  }

  std::map<std::string, Value> Tick(std::vector<GroupReading> groups) {
    agent::Tick tick;
    tick.wall_ms = clock_.WallMs();
    tick.since_boot_ms = clock_.SinceBootMs();
    tick.groups = std::move(groups);
    const auto stored = recorder_->Record(std::move(tick));
    INFO((stored.ok() ? "" : stored.error().message));
    REQUIRE(stored.ok());
    clock_.Advance(std::chrono::seconds(15));
    return Decode(stored->encoded);
  }

  std::map<std::string, Value> Decode(const std::string& encoded) {
    sparkplug::BatchDecoder decoder;
    const std::string payload = sparkplug::SealBatch(encoded, 1, false);
    const auto message = decoder.Decode(payload);
    REQUIRE(message.ok());
    REQUIRE(message->batches.size() == 1);
    const sparkplug::BatchView& view = message->batches[0];
    REQUIRE(view.crc_matches);
    header = view.header;
    const auto birth = recorder_->MakeBirth(0);
    REQUIRE(birth.ok());
    std::map<std::string, Value> stated;
    for (const auto& sample : view.samples) {
      const auto declared =
          std::find_if(birth->series.begin(), birth->series.end(),
                       [&](const auto& series) { return series.alias == sample.alias; });
      REQUIRE(declared != birth->series.end());
      std::string name = ToString(declared->series);
      // A second alias of the same series: its retired datatype.
      if (stated.contains(name)) name += "'";
      stated[name] = sparkplug::ToValue(sample.value, declared->datatype);
    }
    return stated;
  }

  FakeClock clock_;
  TempDir dir_;
  uint64_t ids_ = 0;
  size_t max_series_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Recorder> recorder_;
  sparkplug::BatchHeader header;
};

using Stated = std::map<std::string, Value>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a value travels when it changed") {
  Bench bench;
  CHECK(bench.Tick({Group("cpu", {Read("a", 1.0), Read("b", int64_t{2})})}).size() == 2);
  CHECK(bench.header.full);
  CHECK(bench.header.boot_id == 77);
  CHECK(bench.header.groups == 1);
  CHECK(bench.Tick({Group("cpu", {Read("a", 1.0), Read("b", int64_t{2})})}).empty());
  CHECK_FALSE(bench.header.full);
  CHECK(bench.header.groups == 1);  // read, though nothing changed
  CHECK(bench.header.number == 2);
  CHECK(bench.Tick({Group("cpu", {Read("a", 1.5), Read("b", int64_t{2})})}) == Stated{{"a", 1.5}});
  CHECK(bench.Tick({Group("cpu", {Read("b", int64_t{3}), Read("a", 1.5)})}) ==
        Stated{{"b", int64_t{3}}});  // another order
  CHECK(bench.Tick({Group("cpu", {Read("a", -0.0), Read("b", int64_t{3})})}).size() == 1);
  CHECK(bench.Tick({Group("cpu", {Read("a", 0.0), Read("b", int64_t{3})})}).size() == 1);
  CHECK(bench.Tick({Group("cpu", {Read("a", kNaN), Read("b", int64_t{3})})}).size() == 1);
  CHECK(bench.Tick({Group("cpu", {Read("a", kNaN), Read("b", int64_t{3})})}).empty());
  CHECK(bench.recorder_->series() == 2);
}

TEST_CASE("texts, booleans and histograms are compared whole") {
  Bench bench;
  const auto tick = [&](const std::string& text, bool flag, const std::string& bytes) {
    return bench.Tick({Group("x", {Read("t", text), Read("f", flag), Read("h", Bytes{bytes})})})
        .size();
  };
  CHECK(tick("a", true, "1") == 3);
  CHECK(tick("a", true, "1") == 0);
  CHECK(tick("b", true, "1") == 1);
  CHECK(tick("b", false, "2") == 2);
}

TEST_CASE("everything travels every ten minutes and when asked for") {
  Bench bench;
  const auto tick = [&] {
    return bench.Tick({Group("cpu", {Read("a", 1.0), Read("b", 2.0)})}).size();
  };
  CHECK(tick() == 2);
  for (int i = 1; i < 40; ++i) CHECK(tick() == 0);
  CHECK(tick() == 2);  // 40 ticks of 15 s
  CHECK(tick() == 0);
  bench.recorder_->RequestFull();
  CHECK(tick() == 2);
  CHECK(bench.header.full);
  CHECK(tick() == 0);
}

TEST_CASE("a tick that comes a little early is a full batch's all the same") {
  Bench bench;
  const auto tick = [&] { return bench.Tick({Group("cpu", {Read("a", 1.0)})}).size(); };
  bench.clock_.Advance(std::chrono::milliseconds(3));  // the first one was late
  CHECK(tick() == 1);
  for (int i = 1; i < 39; ++i) CHECK(tick() == 0);
  bench.clock_.Advance(std::chrono::milliseconds(-3));
  CHECK(tick() == 0);
  CHECK(tick() == 1);  // the 40th, after 599.997 s
}

TEST_CASE("a failed source's series are null once, and stated again when it reads again") {
  Bench bench;
  const auto good = [&] {
    return bench.Tick(
        {Group("cpu", {Read("a", 1.0), Read("b", 2.0)}), Group("mem", {Read("m", 3.0)})});
  };
  const auto bad = [&] { return bench.Tick({Failed("cpu"), Group("mem", {Read("m", 3.0)})}); };
  good();
  CHECK(bench.header.groups == 3);
  CHECK(bad() == Stated{{"a", Null{}}, {"b", Null{}}});
  CHECK(bench.header.groups == 2);
  CHECK(bench.recorder_->series() == 1);
  CHECK(bad().empty());
  CHECK(good() == Stated{{"a", 1.0}, {"b", 2.0}});
  CHECK(good().empty());
}

TEST_CASE("a source that was left out of a tick is not null, and is stated again") {
  Bench bench;
  bench.Tick({Group("cpu", {Read("a", 1.0)}), Group("probe", {Read("p", 2.0)})});
  CHECK(bench.Tick({Group("cpu", {Read("a", 1.0)})}).empty());
  CHECK(bench.header.groups == 1);
  CHECK(bench.Tick({Group("cpu", {Read("a", 1.0)}), Group("probe", {Read("p", 2.0)})}) ==
        Stated{{"p", 2.0}});
}

TEST_CASE("a series that disappears is null once, and comes back") {
  Bench bench;
  bench.Tick({Group("disk", {Read("a", 1.0), Read("b", 2.0), Read("c", 3.0)})});
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0), Read("c", 3.0)})}) == Stated{{"b", Null{}}});
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0), Read("c", 3.0)})}).empty());
  bench.recorder_->RequestFull();
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0), Read("c", 3.0)})}).size() == 2);
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0), Read("b", 2.0), Read("c", 3.0)})}) ==
        Stated{{"b", 2.0}});
  CHECK(bench.Tick({Group("disk", {Read("a", Null{}), Read("b", 2.0), Read("c", 3.0)})}) ==
        Stated{{"a", Null{}}});
  CHECK(bench.Tick({Group("disk", {Read("a", Null{}), Read("b", 2.0), Read("c", 3.0)})}).empty());
}

TEST_CASE("what a restart no longer finds is null once") {
  Bench bench;
  bench.Tick({Group("disk", {Read("a", 1.0), Read("b", 2.0)})});
  REQUIRE(bench.spool_->Close().ok());
  bench.Open();
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0)})}) == Stated{{"a", 1.0}, {"b", Null{}}});
  CHECK(bench.Tick({Group("disk", {Read("a", 1.0)})}).empty());
}

TEST_CASE("a series read twice in a tick counts once; one never known is not null") {
  Bench bench;
  CHECK(bench.Tick({Group("x", {Read("a", 1.0), Read("a", 2.0), Read("n", Null{})})}) ==
        Stated{{"a", 1.0}});
  CHECK(bench.Tick({Group("x", {Read("a", 1.0), Read("a", 2.0)})}).empty());
}

TEST_CASE("another datatype is another alias, and the generation tells") {
  Bench bench;
  bench.Tick({Group("x", {Read("a", 1.0)})});
  const uint64_t generation = bench.recorder_->generation();
  bench.Tick({Group("x", {Read("a", 2.0)})});
  CHECK(bench.recorder_->generation() == generation);
  CHECK(bench.Tick({Group("x", {Read("a", int64_t{2})})}) ==
        Stated{{"a", Null{}}, {"a'", int64_t{2}}});
  CHECK(bench.recorder_->generation() > generation);
  const auto birth = bench.recorder_->MakeBirth(0);
  CHECK(birth->series.size() == 2);
  CHECK(bench.Tick({Group("x", {Read("a", 3.0)})}).size() == 2);
  CHECK(bench.recorder_->MakeBirth(0)->series.size() == 2);  // not a third
  bench.Open();
  CHECK(bench.recorder_->MakeBirth(0)->series.size() == 2);
}

TEST_CASE("a birth declares what waiting batches may use, with values of now") {
  Bench bench;
  bench.Tick({Group("cpu", {Read("node_load1", 1.0)}), Group("old", {Read("b", 2.0)})});
  bench.Open();  // as after a crash
  bench.Tick({Group("cpu", {Read("node_load1", 5.0)})});
  const auto birth = bench.recorder_->MakeBirth(123);
  REQUIRE(birth.ok());
  CHECK(birth->timestamp_ms == 123);
  CHECK(birth->spool_id == 2);
  CHECK(birth->held.size() == 2);
  CHECK(birth->groups == std::vector<std::string>{"cpu", "old"});
  REQUIRE(birth->series.size() == 2);
  CHECK(birth->series[0].series.metric == "b");
  CHECK(birth->series[0].value == Value(Null{}));
  CHECK(birth->series[0].group == 1);
  CHECK(birth->series[1].value == Value(5.0));
}

TEST_CASE("series are capped, and those that are gone make room once nothing waits for them") {
  Bench bench(10);
  std::vector<Reading> many;
  for (int i = 0; i < 15; ++i) many.push_back(Read("s" + std::to_string(10 + i), 1.0));
  CHECK(bench.Tick({Group("x", many)}).size() == 10);
  CHECK(bench.recorder_->refused_series() == 5);
  bench.Tick({Group("x", {Read("s10", 1.0)})});  // nine are gone
  bench.Tick({Group("x", {Read("s10", 1.0)})});
  CHECK(bench.Tick({Group("x", {Read("s10", 1.0), Read("new", 1.0)})}).empty());  // still waiting
  sparkplug::Committed all;
  all.spool_id = bench.spool_->id();
  all.cumulative = bench.spool_->next_number() - 1;
  REQUIRE(bench.spool_->Settle(all).ok());
  CHECK(bench.Tick({Group("x", {Read("s10", 1.0), Read("new", 1.0)})}) == Stated{{"new", 1.0}});
  CHECK(bench.recorder_->MakeBirth(0)->series.size() == 2);
  CHECK(bench.Tick({Group("x", {Read("s10", 2.0), Read("new", 2.0)})}).size() == 2);
}

TEST_CASE("events and state travel with the tick") {
  Bench bench;
  agent::Tick tick;
  tick.events.push_back({1, "agent_started", "", "0.1.0"});
  const auto stored = bench.recorder_->Record(std::move(tick), sparkplug::AgentState::kStopping);
  REQUIRE(stored.ok());
  const std::string payload = sparkplug::SealBatch(stored->encoded, 0, false);
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message.ok());
  CHECK(message->batches[0].header.state == sparkplug::AgentState::kStopping);
  const auto events = sparkplug::DecodeEvents(message->batches[0].events);
  REQUIRE(events.ok());
  REQUIRE(events->size() == 1);
  CHECK((*events)[0].kind == "agent_started");
}

TEST_CASE("what has no value yet is declared as the catalogue has it") {
  Bench bench;
  bench.Tick({Group("x", {Read("haidang_agent_clock_offset_seconds", Null{}), Read("a", Null{})})});
  const uint64_t generation = bench.recorder_->generation();
  auto birth = bench.recorder_->MakeBirth(0);
  REQUIRE(birth.ok());
  REQUIRE(birth->series.size() == 1);
  CHECK(birth->series[0].datatype == DataType::kDouble);
  CHECK(birth->series[0].value == Value(Null{}));
  CHECK(bench.Tick({Group("x", {Read("haidang_agent_clock_offset_seconds", 0.5)})}) ==
        Stated{{"haidang_agent_clock_offset_seconds", 0.5}});
  CHECK(bench.recorder_->generation() == generation);
}

TEST_CASE("a rolled-back spool makes everything known anew") {
  Bench bench;
  bench.Tick({Group("x", {Read("a", 1.0)})});
  sparkplug::Committed impossible;
  impossible.spool_id = bench.spool_->id();
  impossible.cumulative = 99;
  REQUIRE(bench.spool_->Settle(impossible).ok());
  CHECK(bench.Tick({Group("x", {Read("a", 1.0)})}) == Stated{{"a", 1.0}});
  CHECK(bench.header.number == 2);  // after the first, recorded anew
  CHECK(bench.header.full);
}

TEST_CASE("no birth pairs another spool with what was known of the last") {
  Bench bench;
  CHECK_FALSE(bench.recorder_->ready());
  bench.Tick({Group("x", {Read("a", 1.0)})});
  CHECK(bench.recorder_->ready());
  const uint64_t generation = bench.recorder_->generation();
  sparkplug::Committed impossible;
  impossible.spool_id = bench.spool_->id();
  impossible.cumulative = 99;
  REQUIRE(bench.spool_->Settle(impossible).ok());
  CHECK_FALSE(bench.recorder_->ready());
  CHECK_FALSE(bench.recorder_->MakeBirth(0).ok());
  bench.Tick({Group("x", {Read("a", 1.0)})});
  CHECK(bench.recorder_->ready());
  CHECK(bench.recorder_->generation() > generation);
  CHECK(bench.recorder_->MakeBirth(0)->spool_id == bench.spool_->id());
}

TEST_CASE("a file that is damaged in the middle of a tick: no batch mixes two files' aliases") {
  Bench bench(5000);
  std::vector<Reading> many;  // more than the page cache holds
  for (int i = 0; i < 3000; ++i) many.push_back(Read("s" + std::to_string(i), 1.0));
  bench.Tick({Group("x", many), Group("y", {Read("b", 1.0)})});
  const uint64_t before = bench.spool_->id();
  for (const char* suffix : {"", "-wal"}) {
    const std::string path = bench.dir_ / (std::string("spool.db") + suffix);
    if (!std::filesystem::exists(path)) continue;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(std::filesystem::file_size(path), 'Z');
  }
  // New series and groups are looked up in the file until it is replaced.
  int lost = 0;
  for (int i = 0; i < 50 && bench.spool_->id() == before; ++i) {
    agent::Tick tick;
    for (int j = 0; j < 60; ++j) many.push_back(Read("s" + std::to_string(50 * j + i) + "x", 1.0));
    tick.groups = {Group("x", many), Group("z" + std::to_string(i), {Read("c", 1.0)})};
    if (bench.recorder_->Record(std::move(tick)).ok()) continue;
    ++lost;
    CHECK_FALSE(bench.recorder_->ready());
  }
  REQUIRE(bench.spool_->id() != before);
  CHECK(lost == 1);
  CHECK_FALSE(bench.recorder_->MakeBirth(0).ok());
  CHECK(bench.spool_->Groups().empty());
  CHECK(bench.spool_->Series()->empty());
  // Decodes every sample by the birth of now.
  CHECK(bench.Tick({Group("y", {Read("b", 2.0)}), Group("x", {Read("s1", 3.0)})}) ==
        Stated{{"b", 2.0}, {"s1", 3.0}});
  CHECK(bench.header.full);
  CHECK(bench.header.number == 1);
  CHECK(bench.recorder_->MakeBirth(0)->groups == std::vector<std::string>{"y", "x"});
  CHECK(bench.recorder_->MakeBirth(0)->series.size() == 2);
}

TEST_CASE("nothing is left out while the disk is full") {
  Bench bench;
  bench.Tick({Group("cpu", {Read("old", 1.0)})});
  std::vector<Reading> many;
  for (int i = 0; i < 30; ++i) many.push_back(Read("new_" + std::to_string(i), 1.0));
  const LogCapture log;
  {
    FileSizeLimit full(1);
    CHECK(bench.Tick({Group("cpu", {Read("old", 2.0)}), Group("more", many)}).size() == 31);
    CHECK(bench.Tick({Group("cpu", {Read("old", 3.0)}), Group("more", many)}).size() == 1);
    CHECK(bench.recorder_->MakeBirth(0)->series.size() == 31);
  }
  CHECK(bench.Tick({Group("cpu", {Read("old", 4.0)}), Group("more", many)}).size() == 1);
  CHECK(log.Count("left out") == 0);
  bench.Open();
  CHECK(bench.Tick({Group("cpu", {Read("old", 5.0)}), Group("more", many)}).size() == 31);
  CHECK(bench.recorder_->MakeBirth(0)->series.size() == 31);
}
