#include <nlohmann/json.hpp>

#include "core/query_journeys.h"
#include "tests/collector/collector_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;

namespace {

// A machine that walks a journey of two steps, with its ways measured.
struct Walker {
  Walker(std::string name, std::string site, uint64_t spool) : agent(std::move(name), spool) {
    agent.site = std::move(site);
    agent.tick_ms = 1000;
    walks =
        agent.Declare({"haidang_journey_steps", {{"journey", "mot-cua"}}}, DataType::kString, 2);
    for (const char* step : {"dang-nhap", "trang-chu"}) {  // as an agent declares them: by name
      const Labels labels{{"journey", "mot-cua"}, {"step", step}};
      Step& slots = steps.emplace_back();
      slots.success = agent.Declare({"probe_success", labels}, DataType::kBoolean, 2);
      slots.seconds = agent.Declare({"probe_duration_seconds", labels}, DataType::kDouble, 2);
      slots.reason = agent.Declare({"haidang_probe_reason", labels}, DataType::kString, 2);
      slots.runs = agent.Declare({"haidang_probe_runs_total", labels}, DataType::kUInt64, 2,
                                 MetricType::kCounter);
      slots.address = agent.Declare({"haidang_probe_address", labels}, DataType::kString, 2);
      for (const auto phase : query::kStepPhases) {
        Labels with = labels;
        with["phase"] = phase;
        slots.phases.push_back(
            agent.Declare({"probe_http_duration_seconds", with}, DataType::kDouble, 2));
      }
    }
    idle = agent.Declare({"node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "idle"}}});
    user = agent.Declare({"node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "user"}}});
    for (const char* role : {"gateway", "hub"}) {
      const Labels labels{{"role", role}, {"target", role}};
      ways.push_back({agent.Declare({"haidang_path_success", labels}, DataType::kBoolean, 1),
                      agent.Declare({"haidang_path_rtt_seconds", labels}, DataType::kDouble, 1),
                      agent.Declare({"haidang_path_sent_total", labels}, DataType::kUInt64, 1),
                      agent.Declare({"haidang_path_lost_total", labels}, DataType::kUInt64, 1)});
    }
  }

  MqttMessage Tick() {
    ++number;
    TestAgent::Tick tick{.number = number, .values = {}, .full = number == 1};
    const auto n = static_cast<double>(number);
    for (const Step& step : steps) {
      const std::array<double, 6> phases{0.004, 0.009, 0.02, processing, 0.05, 0};
      double total = 0;
      for (size_t i = 0; i < phases.size(); ++i) {
        tick.values[step.phases[i]] = phases[i];
        total += phases[i];
      }
      tick.values[step.success] = true;
      tick.values[step.seconds] = total;
      tick.values[step.reason] = std::string();
      tick.values[step.runs] = static_cast<uint64_t>(number);
      tick.values[step.address] = std::string("10.1.1.1");
    }
    tick.values[walks] = std::string("trang-chu,dang-nhap,ra-ve");
    tick.values[idle] = n * 0.9;
    tick.values[user] = n * 0.1;
    for (const auto& way : ways) {
      tick.values[way[0]] = true;
      tick.values[way[1]] = 0.003;
      tick.values[way[2]] = static_cast<uint64_t>(number * 5);
      tick.values[way[3]] = uint64_t{0};
    }
    return agent.Live(tick);
  }

  struct Step {
    uint64_t success = 0, seconds = 0, reason = 0, runs = 0, address = 0;
    std::vector<uint64_t> phases;
  };
  TestAgent agent;
  std::vector<Step> steps;
  std::vector<std::array<uint64_t, 4>> ways;
  uint64_t idle = 0, user = 0, walks = 0;
  uint64_t number = 0;
  double processing = 0.5;
};

struct Province : CollectorFixture {
  std::vector<std::unique_ptr<Walker>> walkers;

  Province() {
    options.objectives = {{"mot-cua", "", 3, 1}};
    Open();
    session->Connect();
    for (int i = 0; i < 4; ++i) {
      walkers.push_back(std::make_unique<Walker>(
          "pc-" + std::to_string(i), "0665" + std::to_string(i), 0xA1U + static_cast<uint64_t>(i)));
      session->Deliver(walkers.back()->agent.Birth());
    }
  }
  void Pass(int times) {
    for (int i = 0; i < times; ++i) {
      for (const auto& walker : walkers) session->Deliver(walker->Tick());
      loop->Advance(1s);
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Province, "steps are told as they are walked, with what is usual") {
  Pass(30);
  const auto now = collector->DescribeJourneys();
  REQUIRE(now.steps.size() == 2);
  CHECK(now.steps[0].step == "trang-chu");
  CHECK(now.steps[1].step == "dang-nhap");
  REQUIRE(now.steps[1].sites.size() == 4);
  const query::StepAtSite& at = now.steps[1].sites[2];
  CHECK(at.site == "06652");
  CHECK(at.machine == "pc-2");
  CHECK(at.success == true);
  CHECK(at.seconds == Approx(0.583));
  CHECK(at.usual_seconds == Approx(0.583));
  CHECK(at.usual_phases[3] == Approx(0.5));
  CHECK(at.address == "10.1.1.1");
  CHECK(now.troubles.empty());
}

TEST_CASE_METHOD(Province,
                 "a system that is late for everybody is certain, and its findings say so") {
  Pass(60);
  for (const auto& walker : walkers) walker->processing = 6.4;
  Pass(75);
  auto now = collector->DescribeJourneys();
  REQUIRE(now.troubles.size() == 2);
  const query::JourneyTrouble& trouble = now.troubles[0];
  CHECK(trouble.sites.size() == 4);
  CHECK(trouble.sites_measured == 4);
  CHECK_FALSE(trouble.failing);
  CHECK(trouble.seconds == Approx(6.483));
  CHECK(trouble.usual_seconds == Approx(0.583));
  CHECK(trouble.verdict.culprit == query::Culprit::kSystem);
  CHECK(trouble.verdict.certainty == query::Certainty::kCertain);
  REQUIRE_FALSE(trouble.verdict.evidence.empty());
  CHECK(trouble.verdict.evidence[0].en ==
        "DNS 4 ms, connect 9 ms, TLS 20 ms, transfer 50 ms as usual; first byte 6.4 s, usually "
        "0.5 s");
  size_t told = 0;
  for (const auto& finding : collector->DescribeNow().open_findings) {
    const auto verdict = finding.words.find("verdict");
    if (finding.kind != "response_slow" || verdict == finding.words.end()) continue;
    CHECK(verdict->second == "system");
    CHECK(finding.words.at("certainty") == "certain");
    CHECK_FALSE(finding.words.at("summary_vi").empty());
    ++told;
  }
  CHECK(told == 8);
  for (const auto& walker : walkers) walker->processing = 0.5;
  Pass(5);
  CHECK(collector->DescribeJourneys().troubles.empty());
}

TEST_CASE_METHOD(Province,
                 "what is usual is known again after a restart, also in the midst of a trouble") {
  options.objectives.clear();
  Open();
  session->Connect();
  for (const auto& walker : walkers) session->Deliver(walker->agent.Birth(walker->number + 1));
  Pass(300);
  for (const auto& walker : walkers) walker->processing = 2.4;
  Pass(30);
  Open();
  session->Connect();
  Pass(8);
  const auto now = collector->DescribeJourneys();
  REQUIRE(now.steps.size() == 2);
  REQUIRE(now.steps[0].sites.size() == 4);
  CHECK(now.steps[0].sites[0].usual_seconds == Approx(0.583));
  CHECK(now.steps[0].sites[0].usual_phases[3] == Approx(0.5));
  CHECK(now.troubles.size() == 2);
}

TEST_CASE_METHOD(Province, "what no longer arrives is not told as now") {
  Pass(30);
  session->Lose();
  CHECK(collector->DescribeJourneys().steps.empty());
  session->Connect();
  walkers.pop_back();
  Pass(60);
  const auto now = collector->DescribeJourneys();
  REQUIRE(now.steps.size() == 2);
  REQUIRE(now.steps[0].sites.size() == 4);
  CHECK_FALSE(now.steps[0].sites[3].success);
  CHECK_FALSE(now.steps[0].sites[3].seconds);
  CHECK(now.steps[0].sites[3].usual_seconds);
}
