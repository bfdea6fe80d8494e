#include "agent/sampler.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <stdexcept>

#include "core/catalogue.h"
#include "tests/support/fake_loop.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;

namespace {

// Counts, and does what the test wants of it.
class TestSource final : public Source {
 public:
  explicit TestSource(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  void Prepare() override { ++prepared; }
  bool Ready() const override { return ready; }
  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>& events) override {
    ++reads;
    if (during) during();
    readings.push_back({{"node_load1", {}}, 1.0});
    events.push_back({1, "probe_failed", name_, ""});
    if (failing) return Error{"not today"};
    return {};
  }

  int prepared = 0;
  int reads = 0;
  bool ready = true;
  bool failing = false;
  std::function<void()> during;

 private:
  std::string name_;
};

struct Bench {
  explicit Bench(SamplerOptions options, int64_t wall_ms = 1767573000000)
      : clock(wall_ms), loop(clock) {
    std::vector<std::unique_ptr<Source>> sources;
    for (const char* name : {"a", "b"}) {
      auto source = std::make_unique<TestSource>(name);
      by_name[name] = source.get();
      sources.push_back(std::move(source));
    }
    sampler = std::make_unique<Sampler>(loop, clock, options, std::move(sources), [this](Tick&& t) {
      ticks.push_back(std::move(t));
      at_ns.push_back(clock.MonotonicNs());
    });
  }

  FakeClock clock;
  FakeLoop loop;
  std::map<std::string, TestSource*> by_name;
  std::vector<Tick> ticks;
  std::vector<int64_t> at_ns;  // monotonic, of each tick
  std::unique_ptr<Sampler> sampler;
};

double Own(const Tick& tick, const std::string& metric, const std::string& collector) {
  for (const Reading& reading : tick.groups.back().readings) {
    if (reading.series == SeriesId{metric, {{"collector", collector}}}) {
      return AsNumber(reading.value);
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("ticks stand on the wall clock's grid, shifted by the offset") {
  Bench bench({.interval = 15s, .offset = 4321ms}, 1767573000777);
  bench.sampler->Start();
  bench.loop.Advance(1h);
  REQUIRE(bench.ticks.size() == 240);
  CHECK(bench.ticks[0].wall_ms == 1767573002777);  // the first waits for no grid
  CHECK(bench.ticks[1].wall_ms == 1767573019321);
  for (size_t i = 1; i < bench.ticks.size(); ++i) {
    CHECK(bench.ticks[i].wall_ms % 15000 == 4321);
    if (i > 1) CHECK(bench.ticks[i].wall_ms - bench.ticks[i - 1].wall_ms == 15000);
  }
  CHECK(bench.by_name["a"]->prepared == 240);
  CHECK(bench.by_name["a"]->reads == 240);
  bench.sampler->Stop();
  bench.loop.Advance(1h);
  CHECK(bench.ticks.size() == 240);
}

TEST_CASE("sources are prepared the lead before each tick, also the first") {
  Bench bench({.interval = 15s, .offset = 1000ms, .lead = 2s}, 1767573000000);
  bench.sampler->Start();
  bench.loop.Advance(1999ms);
  CHECK(bench.by_name["a"]->prepared == 1);
  CHECK(bench.ticks.empty());
  bench.loop.Advance(1ms);
  REQUIRE(bench.ticks.size() == 1);
  CHECK(bench.ticks[0].wall_ms == 1767573002000);
  bench.loop.Advance(11999ms);
  CHECK(bench.by_name["a"]->prepared == 1);
  bench.loop.Advance(1ms);
  CHECK(bench.by_name["a"]->prepared == 2);
  CHECK(bench.ticks.size() == 1);
  bench.loop.Advance(2s);
  REQUIRE(bench.ticks.size() == 2);
  CHECK(bench.ticks[1].wall_ms == 1767573016000);
}

TEST_CASE("steps of the wall clock neither skip nor double a tick") {
  const std::vector<std::chrono::milliseconds> steps = {
      1h, -1h, 24h, -24h, 7s, -7s, 7500ms, -7499ms, 14999ms, -14999ms, 1ms, -1ms, 40min + 3s};
  for (const auto step : steps) {
    for (const auto phase : {0ms, 1ms, 6000ms, 12900ms, 13000ms, 13001ms, 14999ms}) {
      INFO(step.count() << " ms after " << phase.count() << " ms");
      Bench bench({.interval = 15s, .offset = 5s});
      bench.sampler->Start();
      bench.loop.Advance(5min + 5s + phase);
      bench.clock.StepWall(step);
      bench.loop.Advance(1h);
      for (size_t i = 1; i < bench.at_ns.size(); ++i) {
        const int64_t gap_ms = (bench.at_ns[i] - bench.at_ns[i - 1]) / 1000000;
        CHECK(gap_ms >= 7500);
        CHECK(gap_ms < 22500);
      }
      // Back on the grid, and at the right number.
      CHECK(bench.ticks.back().wall_ms % 15000 == 5000);
      const double expected = 65.0 * 60 / 15;
      CHECK(std::abs(static_cast<double>(bench.ticks.size()) - expected) <= 2);
    }
  }
}

TEST_CASE("a tick that comes late says its true time") {
  Bench bench({.interval = 15s, .offset = 0ms});
  bench.by_name["b"]->during = [&] {
    if (bench.ticks.size() == 1) bench.clock.Advance(20s);  // blocked
  };
  bench.sampler->Start();
  bench.loop.Advance(5min);
  std::set<int64_t> times;
  for (const Tick& tick : bench.ticks) CHECK(times.insert(tick.wall_ms).second);
  CHECK(bench.ticks.back().wall_ms % 15000 == 0);
}

TEST_CASE("each source's time, rounded to a millisecond, and success") {
  Bench bench({});
  bench.by_name["a"]->during = [&] { bench.clock.Advance(3400us); };
  const Tick tick = bench.sampler->ReadNow(5);
  REQUIRE(tick.groups.size() == 3);
  CHECK(tick.groups[2].group == "sampler");
  CHECK(tick.groups[2].readings.size() == 4);
  CHECK(Own(tick, "node_scrape_collector_duration_seconds", "a") == 0.003);
  CHECK(Own(tick, "node_scrape_collector_duration_seconds", "b") == 0);
  CHECK(Own(tick, "node_scrape_collector_success", "a") == 1);
  for (const Reading& reading : tick.groups[2].readings) {
    const MetricInfo* info = FindMetric(reading.series.metric);
    REQUIRE(info != nullptr);
    CHECK(info->source == "sampler");
  }
}

TEST_CASE("a source that fails or throws is told, and the others are read") {
  Bench bench({});
  bench.by_name["a"]->failing = true;
  Tick tick = bench.sampler->ReadNow(5);
  CHECK_FALSE(tick.groups[0].ok);
  CHECK(tick.groups[0].readings.empty());
  CHECK(tick.groups[1].ok);
  CHECK(tick.groups[1].readings.size() == 1);
  CHECK(Own(tick, "node_scrape_collector_success", "a") == 0);
  CHECK(Own(tick, "node_scrape_collector_success", "b") == 1);

  bench.by_name["a"]->failing = false;
  bench.by_name["a"]->during = [] { throw std::runtime_error("broken"); };
  tick = bench.sampler->ReadNow(6);
  CHECK_FALSE(tick.groups[0].ok);
  CHECK(tick.groups[0].readings.empty());

  bench.by_name["a"]->during = nullptr;
  CHECK(bench.sampler->ReadNow(7).groups[0].ok);
}

TEST_CASE("events go into the next tick, once, and are bounded") {
  Bench bench({});
  for (int i = 0; i < 1000; ++i) bench.sampler->AddEvent({i, "agent_started", "", ""});
  CHECK(bench.sampler->ReadNow(5).events.size() == 256);
  CHECK(bench.sampler->ReadNow(6).events.size() == 2);  // the sources' own
}

TEST_CASE("ready when all sources are") {
  Bench bench({});
  CHECK(bench.sampler->Ready());
  bench.by_name["b"]->ready = false;
  CHECK_FALSE(bench.sampler->Ready());
}

TEST_CASE("splay is the machine's own and evenly spread") {
  CHECK(SplayOf("ha-tu-01", 15s) == SplayOf("ha-tu-01", 15s));
  CHECK(SplayOf("", 1ms) == 0ms);
  std::vector<int> slots(15);
  for (int i = 0; i < 15000; ++i) {
    const auto splay = SplayOf("may-" + std::to_string(i), 15s);
    REQUIRE(splay >= 0ms);
    REQUIRE(splay < 15s);
    ++slots[static_cast<size_t>(splay / 1s)];
  }
  for (const int count : slots) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
}
