#include <catch2/catch.hpp>
#include <map>

#include "agent/journey/journey_runner.h"
#include "agent/probe/probe_source.h"
#include "agent/step_series.h"
#include "core/catalogue.h"
#include "core/sparkplug/lease.h"
#include "tests/agent/journey_bench.h"
#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;
using haidang::agent::testing::Answer;

namespace {

const std::string kJourney = R"({journey="mot-cua"})";

std::string OfStep(const std::string& step) {
  return R"({journey="mot-cua",step=")" + step + R"("})";
}

// One journey's runner on a real loop, in time that the test tells.
struct RunnerBench {
  explicit RunnerBench(JourneyOptions journey, std::chrono::milliseconds splay = 0ms)
      : options(std::move(journey)),
        loop(MakeLoop()),
        http(haidang::agent::testing::Api(), *loop, clock),
        resolver(*loop, haidang::agent::testing::Loopback),
        runner(options, {haidang::agent::testing::Api(), *loop, clock, http, resolver}, leases,
               splay) {}

  void Lend(double interval_s) { leases.Set({{"mot-cua", interval_s}}); }
  bool Due() { return runner.DueSince().has_value(); }
  void Walk() {
    REQUIRE(Due());
    runner.Walk();
    CHECK_FALSE(Due());
    REQUIRE(RunUntil(*loop, [&] { return !runner.walking(); }));
  }

  void Read() {
    values.clear();
    std::vector<Reading> readings;
    runner.Report(readings, events);
    for (Reading& reading : readings) {
      const MetricInfo* info = FindMetric(reading.series.metric);
      REQUIRE(info != nullptr);
      CHECK(info->source == "probe");
      CHECK(values.emplace(ToString(reading.series), std::move(reading.value)).second);
    }
  }
  bool Has(const std::string& series) const { return values.contains(series); }
  double Number(const std::string& series) const { return AsNumber(values.at(series)); }
  std::string Text(const std::string& series) const {
    return std::get<std::string>(values.at(series));
  }

  FakeClock clock;
  const JourneyOptions options;
  std::unique_ptr<Loop> loop;
  Http http;
  Resolver resolver;
  JourneyLeases leases;
  JourneyRunner runner;
  std::map<std::string, Value> values;
  std::vector<Event> events;
};

}  // namespace

TEST_CASE("a journey that a site shares is walked while it is lent, no faster than either says") {
  PageServer server([](const std::string&) { return Answer("ok"); });
  RunnerBench bench(Journey("interval = \"1min\"", {Step("a", server.Url("/"))}), 5s);
  bench.clock.Advance(1h);
  CHECK_FALSE(bench.Due());
  bench.Read();
  CHECK(bench.Number("haidang_journey_shared" + kJourney) == 1);
  CHECK(bench.Number("haidang_journey_leased" + kJourney) == 0);
  CHECK(bench.Number("haidang_journey_interval_seconds" + kJourney) == 60);
  CHECK_FALSE(bench.Has("haidang_journey_success" + kJourney));

  bench.Lend(10);  // faster than its own: its own counts
  CHECK_FALSE(bench.Due());
  bench.clock.Advance(5s);  // the splay
  bench.Walk();
  bench.clock.Advance(59s);
  CHECK_FALSE(bench.Due());
  bench.clock.Advance(1s);
  bench.Walk();

  bench.Lend(300);
  bench.Read();
  CHECK(bench.Number("haidang_journey_interval_seconds" + kJourney) == 300);
  CHECK(bench.Number("haidang_journey_leased" + kJourney) == 1);
  bench.clock.Advance(60s);
  bench.Walk();  // its turn had been set before
  bench.clock.Advance(299s);
  CHECK_FALSE(bench.Due());
  bench.clock.Advance(1s);
  CHECK(bench.Due());
  bench.clock.Advance(1000s);
  bench.Walk();  // turns that were missed are not made up for
  CHECK_FALSE(bench.Due());

  bench.Read();
  CHECK(bench.Number("haidang_journey_success" + kJourney) == 1);
  CHECK(bench.Number("haidang_journey_runs_total" + kJourney) == 4);
  CHECK(bench.Number("probe_success" + OfStep("a")) == 1);
  bench.leases.Set({{"another", 1}});
  CHECK_FALSE(bench.Due());
  bench.Read();  // what was seen holds no more; what was counted stays
  CHECK_FALSE(bench.Has("haidang_journey_success" + kJourney));
  CHECK_FALSE(bench.Has("probe_success" + OfStep("a")));
  CHECK(bench.Number("haidang_probe_runs_total" + OfStep("a")) == 4);
  CHECK(bench.Number("haidang_journey_runs_total" + kJourney) == 4);
}

TEST_CASE("a journey of the machine's own needs nobody's word; values of nonsense bind nobody") {
  PageServer server([](const std::string&) { return Answer("ok"); });
  RunnerBench own(Journey("share = \"none\"\ninterval = \"1s\"", {Step("a", server.Url("/"))}));
  own.Walk();
  own.Read();
  CHECK(own.Number("haidang_journey_shared" + kJourney) == 0);
  CHECK(own.Number("haidang_journey_leased" + kJourney) == 1);
  CHECK(own.values.size() == SeriesOfJourney(own.options).certain);

  RunnerBench lent(Journey("interval = \"1s\"", {Step("a", server.Url("/"))}));
  lent.Read();
  CHECK(lent.values.size() == SeriesOfJourney(lent.options).certain);
  for (const double seconds : {-5.0, 0.0, 1e300}) {
    lent.Lend(seconds);
    lent.Read();
    const double interval = lent.Number("haidang_journey_interval_seconds" + kJourney);
    CHECK(interval >= 1);
    CHECK(interval <= 86400);
  }
}

TEST_CASE("steps behind the one that failed have no values, and keep what they counted") {
  std::atomic<bool> broken = false;
  PageServer server([&](const std::string& path) {
    return path == "/b" && broken ? Answer("", "503 Busy") : Answer("ok");
  });
  RunnerBench bench(Journey(
      "share = \"none\"\ninterval = \"1s\"",
      {Step("a", server.Url("/a")), Step("b", server.Url("/b")), Step("c", server.Url("/c"))}));
  bench.Walk();
  bench.Read();
  CHECK(bench.Text("haidang_journey_steps" + kJourney) == "a,b,c");
  CHECK(bench.Text("haidang_journey_failed_step" + kJourney).empty());
  CHECK(bench.Number("probe_success" + OfStep("c")) == 1);
  CHECK(bench.events.empty());
  double sum = 0;
  for (const char* step : {"a", "b", "c"})
    sum += bench.Number("probe_duration_seconds" + OfStep(step));
  CHECK(bench.Number("haidang_journey_duration_seconds" + kJourney) == Approx(sum).margin(1e-9));

  broken = true;
  bench.clock.Advance(1s);
  bench.Walk();
  bench.Read();
  CHECK(bench.Number("haidang_journey_success" + kJourney) == 0);
  CHECK(bench.Text("haidang_journey_failed_step" + kJourney) == "b");
  CHECK(bench.Text("haidang_probe_reason" + OfStep("b")) == "status");
  CHECK(bench.Number("probe_success" + OfStep("b")) == 0);
  CHECK_FALSE(bench.Has("probe_success" + OfStep("c")));
  CHECK_FALSE(bench.Has("haidang_probe_reason" + OfStep("c")));
  CHECK_FALSE(bench.Has("probe_duration_seconds" + OfStep("c")));
  CHECK(bench.Number("haidang_probe_runs_total" + OfStep("c")) == 1);
  CHECK(bench.Has("haidang_probe_latency_seconds" + OfStep("c")));
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == "probe_failed");
  CHECK(bench.events[0].key == "mot-cua/b");

  broken = false;
  bench.clock.Advance(1s);
  bench.Walk();
  bench.Read();
  CHECK(bench.Number("haidang_journey_success" + kJourney) == 1);
  CHECK(bench.Number("probe_success" + OfStep("c")) == 1);
  REQUIRE(bench.events.size() == 2);
  CHECK(bench.events[1].kind == "probe_recovered");
}

TEST_CASE("what the last walk came to is told until the next one has ended") {
  std::atomic<bool> right = false;
  std::atomic<bool> asked = false;
  std::atomic<bool> answer = true;
  RawServer server([&](int fd, const std::string& path) {
    if (path == "/a") return SendAll(fd, Answer("ok"));
    asked = true;
    while (!answer) std::this_thread::yield();
    SendAll(fd, Answer("ok", right ? "200 OK" : "500 X"));
  });
  RunnerBench bench(Journey("share = \"none\"\ninterval = \"1s\"",
                            {Step("a", server.Url("/a")), Step("b", server.Url("/b"))}));
  bench.Walk();
  const auto is = [&](bool success, const std::string& failed) {
    bench.Read();
    CHECK(bench.Number("haidang_journey_success" + kJourney) == (success ? 1 : 0));
    CHECK(bench.Text("haidang_journey_failed_step" + kJourney) == failed);
  };
  is(false, "b");
  bench.clock.Advance(1s);
  right = true;
  answer = asked = false;
  REQUIRE(bench.Due());
  bench.runner.Walk();
  REQUIRE(RunUntil(*bench.loop, [&] { return asked.load(); }));  // "a" went well
  is(false, "b");
  answer = true;
  REQUIRE(RunUntil(*bench.loop, [&] { return !bench.runner.walking(); }));
  is(true, "");
}

TEST_CASE("a walk that takes longer than its interval is not doubled; one without lease ends") {
  std::atomic<bool> answer = false;
  RawServer server([&](int fd, const std::string&) {
    while (!answer) std::this_thread::sleep_for(1ms);
    SendAll(fd, Answer("ok"));
  });
  RunnerBench bench(Journey("interval = \"1s\"", {Step("a", server.Url("/"))}));
  bench.Lend(1);
  REQUIRE(bench.Due());
  bench.runner.Walk();
  REQUIRE(RunUntil(*bench.loop, [&] { return server.connections() == 1; }));
  bench.clock.Advance(10s);
  CHECK_FALSE(bench.Due());
  bench.leases.Set({});
  CHECK_FALSE(bench.Due());
  CHECK(bench.runner.walking());
  answer = true;
  REQUIRE(RunUntil(*bench.loop, [&] { return !bench.runner.walking(); }));
  CHECK_FALSE(bench.Due());
  bench.Read();
  CHECK_FALSE(bench.Has("probe_success" + OfStep("a")));
  CHECK(bench.Number("haidang_journey_runs_total" + kJourney) == 1);
  CHECK(server.connections() == 1);
}

TEST_CASE("32 journeys at most are under way at once, and a source may go in the middle") {
  RawServer server([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  const auto loop = MakeLoop();
  const SystemClock clock;
  ProbeSourceOptions options;
  for (int i = 0; i < 40; ++i) {
    // The name server counts who is under way.
    JourneyOptions journey = Journey("share = \"none\"\ninterval = \"1s\"",
                                     {Step("a", "http://may-" + std::to_string(i) + ".example/")});
    journey.name += std::to_string(i);
    options.journeys.push_back(std::move(journey));
  }
  const JourneyLeases leases;
  const auto count = [&](const JourneyLeases* lent) {
    // Each source counts for itself: a lookup that is under way outlives the source that asked for
    // it.
    const auto asked = std::make_shared<std::atomic<int>>(0);
    const auto lookup = [asked](const std::string&) -> Result<std::vector<std::string>> {
      ++*asked;
      return std::vector<std::string>{"127.0.0.1"};
    };
    options.leases = lent;
    auto made = MakeProbeSource(*loop, clock, options, lookup);
    REQUIRE(made.ok());
    RunFor(*loop, 3s);
    return asked->load();
  };
  CHECK(count(nullptr) == 0);
  // Ports that nobody listens at are refused at once: every journey comes to its turn.
  CHECK(count(&leases) >= 40);
  int number = 0;
  for (JourneyOptions& journey : options.journeys) {
    const std::string host = "may-" + std::to_string(number++) + ".example:";
    journey.steps[0].url =
        *Template::Parse("http://" + host + std::to_string(server.port()) + "/", TemplateUse::kUrl);
  }
  CHECK(count(&leases) == 32);
}
