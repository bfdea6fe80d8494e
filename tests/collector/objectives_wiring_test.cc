#include <algorithm>
#include <cmath>
#include <optional>

#include "core/histogram.h"
#include "tests/collector/collector_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;

namespace {

// A machine that walks a journey of two steps once with each tick.
struct Walker {
  explicit Walker(std::string name, uint64_t spool) : agent(std::move(name), spool) {
    for (const char* step : {"dang-nhap", "tra-cuu"}) {
      const Labels labels{{"journey", "mot-cua"}, {"step", step}};
      const auto counter = [&](const char* metric) {
        return agent.Declare({metric, labels}, DataType::kUInt64, 2, MetricType::kCounter);
      };
      Step& slots = steps.emplace_back();
      slots.runs = counter("haidang_probe_runs_total");
      slots.failures = counter("haidang_probe_failures_total");
      slots.latency = agent.Declare({"haidang_probe_latency_seconds", labels}, DataType::kBytes, 2,
                                    MetricType::kHistogram);
    }
  }

  // The second step takes `seconds`, or fails.
  MqttMessage Walk(double seconds, bool fails) {
    ++number;
    TestAgent::Tick tick{.number = number, .values = {}, .full = number == 1};
    for (size_t i = 0; i < steps.size(); ++i) {
      Step& step = steps[i];
      ++step.run;
      if (i == 1 && fails) {
        ++step.failed;
      } else {
        step.observed.Observe(i == 1 ? seconds : 0.2);
      }
      tick.values[step.runs] = step.run;
      tick.values[step.failures] = step.failed;
      tick.values[step.latency] = Bytes{step.observed.Encode()};
    }
    return agent.Live(tick);
  }

  struct Step {
    uint64_t runs = 0, failures = 0, latency = 0;  // aliases
    uint64_t run = 0, failed = 0;
    Histogram observed;
  };
  TestAgent agent;
  std::vector<Step> steps;
  uint64_t number = 0;
};

struct Promised : CollectorFixture {
  Walker first{"pc-1", 0xA1}, second{"pc-2", 0xA2};

  Promised() {
    query::Objective fast{"mot-cua", "tra-cuu", 3, 5};
    fast.share = 0.95;
    query::Objective there{"mot-cua", "", 3, 5};
    there.availability = 0.99;
    Promise({fast, there});
  }
  void Promise(std::vector<query::Objective> objectives) {
    options.objectives = std::move(objectives);
    Open();
    session->Connect();
    for (Walker* walker : {&first, &second}) {
      session->Deliver(walker->agent.Birth(walker->number + 1));
    }
  }
  void Walk(int times, double took = 0.4, bool fails = false) {
    for (int i = 0; i < times; ++i) {
      session->Deliver(first.Walk(took, fails));
      session->Deliver(second.Walk(0.4, false));
      loop->Advance(15s);
    }
  }
  const query::ObjectiveNow& Only(const std::vector<query::ObjectiveNow>& all,
                                  const std::string& kind) {
    for (const query::ObjectiveNow& one : all) {
      if (one.kind == kind) return one;
    }
    FAIL("no objective of " << kind);
    throw 0;
  }
  std::vector<query::ObjectiveNow> Told() { return collector->DescribeJourneys().objectives; }
  const query::Finding* Burning() {
    overview = collector->DescribeNow();
    for (const auto& finding : overview.open_findings) {
      if (finding.kind == "objective_burning") return &finding;
    }
    return nullptr;
  }
  // Of the only series that has these labels; nothing where there is none.
  std::optional<double> Gauge(const std::string& name, const Labels& wanted) {
    for (const auto& family : collector->metrics().registry().Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        Labels labels;
        for (const auto& pair : metric.label) labels[pair.name] = pair.value;
        if (std::includes(labels.begin(), labels.end(), wanted.begin(), wanted.end())) {
          return metric.gauge.value;
        }
      }
    }
    return std::nullopt;
  }

  query::Overview overview;
};

constexpr int kTicksAnHour = 240;

}  // namespace

TEST_CASE_METHOD(Promised, "objectives that nobody ran yet are told as unknown") {
  loop->Advance(10s);
  const auto told = Told();
  REQUIRE(told.size() == 2);
  const auto& latency = Only(told, "latency");
  CHECK(latency.step == "tra-cuu");
  CHECK(latency.target == 0.95);
  CHECK(latency.seconds == 3);
  CHECK_FALSE(latency.good_ratio);
  REQUIRE(latency.burn.size() == 6);
  CHECK(latency.burn[0].window == "5m");
  CHECK_FALSE(latency.burn[0].rate);
  CHECK_FALSE(Only(told, "availability").seconds);
  const auto unknown = Gauge("haidang_objective_good_ratio", {{"objective", "latency"}});
  REQUIRE(unknown);
  CHECK(std::isnan(*unknown));
  CHECK(Burning() == nullptr);
}

TEST_CASE_METHOD(Promised,
                 "a burning budget is told, opens a finding, and closes it when it is calm") {
  Walk(kTicksAnHour);
  auto told = Told();
  CHECK(*Only(told, "latency").good_ratio == Approx(1));
  CHECK(*Only(told, "latency").budget_left_ratio == Approx(1));
  CHECK(*Only(told, "availability").good_ratio == Approx(1));
  CHECK(Burning() == nullptr);

  // Half of the searches take 20 s: 50 % bad of 5 % allowed, a rate of 10 in every window in the
  // end.
  Walk(kTicksAnHour, 20);
  told = Told();
  const auto& latency = Only(told, "latency");
  CHECK(*latency.good_ratio == Approx(0.75).margin(0.02));
  CHECK(*latency.burn[0].rate == Approx(10).margin(0.5));
  CHECK(latency.alarm == "ticket");
  CHECK(*Only(told, "availability").good_ratio == Approx(1));
  CHECK(Gauge("haidang_objective_alarm", {{"alarm", "ticket"}, {"objective", "latency"}}) == 1);
  CHECK(Gauge("haidang_objective_alarm", {{"alarm", "page"}, {"objective", "latency"}}) == 0);
  CHECK(Gauge("haidang_objective_burn_rate", {{"window", "5m"}, {"objective", "latency"}}) ==
        latency.burn[0].rate);
  const query::Finding* finding = Burning();
  REQUIRE(finding != nullptr);
  CHECK(finding->journey == "mot-cua");
  CHECK(finding->step == "tra-cuu");
  CHECK(finding->machine.empty());
  CHECK(finding->words.at("alarm") == "ticket");
  CHECK(finding->words.at("objective") == "latency");
  CHECK(finding->numbers.at("budget_left_ratio") < 0);

  // It stays through a restart of the collector, and what was is known again.
  Promise(options.objectives);
  Walk(10);
  CHECK(Burning() != nullptr);
  CHECK(*Only(Told(), "latency").good_ratio == Approx(0.75).margin(0.03));

  // An objective that is gone takes its finding along, and its gauges.
  options.objectives.erase(options.objectives.begin());
  Promise(options.objectives);
  Walk(10);
  CHECK(Burning() == nullptr);
  CHECK(Told().size() == 1);
  CHECK_FALSE(Gauge("haidang_objective_good_ratio", {{"objective", "latency"}}));
}

TEST_CASE_METHOD(
    Promised, "a journey's availability counts whole walks, and pages while nobody gets through") {
  Walk(kTicksAnHour);
  Walk(kTicksAnHour / 2, 0.4, true);  // one of two machines fails at the second step
  const auto told = Told();
  const auto& there = Only(told, "availability");
  CHECK(there.step.empty());
  CHECK(*there.burn[0].rate ==
        Approx(50).margin(2));  // half of the walks, not a quarter of the steps
  CHECK(there.alarm == "page");
  const query::Finding* finding = Burning();
  REQUIRE(finding != nullptr);
  CHECK(finding->words.at("alarm") == "page");
  // Failed runs were not fast either.
  CHECK(*Only(told, "latency").burn[0].rate == Approx(10).margin(0.5));
  // Calm: it goes after a quarter of an hour without alarm.
  Walk(4 * 12);
  CHECK(Burning() != nullptr);
  Walk(kTicksAnHour * 6);
  CHECK(Only(Told(), "availability").alarm.empty());
  CHECK(Burning() == nullptr);
}

TEST_CASE_METHOD(Promised, "the server's calendar says which runs count") {
  Walk(kTicksAnHour, 20);
  CHECK(*Only(Told(), "latency").good_ratio == Approx(0.5).margin(0.02));
  query::Snapshot snapshot;
  snapshot.version = 1;
  snapshot.calendar.week.assign(7, {});  // nobody ever works: nothing counts
  REQUIRE(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
  Walk(8);
  CHECK_FALSE(Only(Told(), "latency").good_ratio);
  snapshot.version = 2;
  snapshot.calendar.week.assign(7, {{0, 1440}});
  REQUIRE(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
  Walk(8);
  CHECK(*Only(Told(), "latency").good_ratio == Approx(0.5).margin(0.05));
}
