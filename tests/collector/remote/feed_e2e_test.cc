#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <deque>

#include "collector/store/reader.h"
#include "core/io/mqtt_session.h"
#include "tests/collector/collector_process.h"
#include "tests/collector/remote/raw_receiver.h"
#include "tests/collector/remote/receiver_process.h"
#include "tests/support/loop_runner.h"

// From agents over a real Mosquitto through the real collector to real receivers, any of which is
// killed on the way.
using namespace haidang;
using namespace haidang::collector::testing;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Samples = ReceiverProcess::Samples;

namespace {

constexpr int kMachines = 5;
constexpr int64_t kTickMs = 500;
constexpr uint64_t kFullEvery = 30;

// Agents that tick, and remember all that they said.
struct Fleet {
  BrokerProcess broker;
  SystemClock clock;
  std::unique_ptr<Loop> loop = MakeLoop();
  std::unique_ptr<MqttSession> session;
  std::deque<TestAgent> agents;
  uint64_t load = 0, cpu = 0, steady = 0;
  uint64_t number = 0;
  std::string state;  // the collector's last STATE

  Fleet() {
    for (int i = 0; i < kMachines; ++i) {
      TestAgent& agent = agents.emplace_back("may-" + std::to_string(i));
      agent.tick_ms = kTickMs;
      agent.epoch_ms = clock.WallMs();
      agent.boot_ms = agent.epoch_ms - 3600 * 1000;
      load = agent.Declare({"node_load1", {}});
      cpu = agent.Declare({"node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "idle"}}},
                          DataType::kDouble, 1, MetricType::kCounter);
      steady = agent.Declare({"node_memory_MemTotal_bytes", {}}, DataType::kInt64);
    }
    MqttOptions options;
    options.uri = broker.uri();
    options.client_id = "agents";
    MqttHandlers handlers;
    handlers.will = [this] { return agents[0].Death(); };
    handlers.connected = [] {};
    handlers.disconnected = [](const Error&) {};
    handlers.received = [this](std::vector<MqttMessage>&& messages) {
      for (const MqttMessage& message : messages) state = message.payload;
    };
    auto made =
        MakeMqttSession(*loop, clock, options, {{"spBv1.0/STATE/+", 0}}, std::move(handlers));
    REQUIRE(made);
    session = std::move(*made);
    session->Start();
    REQUIRE(RunUntil(*loop, [&] { return session->connected(); }));
  }
  ~Fleet() {
    bool ended = false;
    session->Stop({}, 1s, [&] { ended = true; });
    RunUntil(*loop, [&] { return ended; });
  }

  TestAgent::Tick Said(int machine, uint64_t n) const {
    TestAgent::Tick tick{.number = n, .values = {}, .full = n % kFullEvery == 1};
    if (tick.full) tick.values[steady] = int64_t{8} << 30;
    if (tick.full || n % 3 == 0) tick.values[load] = static_cast<double>(n) / 4;
    tick.values[cpu] = machine * 1000 + static_cast<double>(n) * 0.25;
    return tick;
  }
  // Starts it; returns once it listens.
  void Start(CollectorProcess& collector) {
    state.clear();
    collector.Start();
    REQUIRE(RunUntil(*loop, [&] { return state.find("true") != std::string::npos; }));
  }
  void Born(uint64_t next) {
    for (const TestAgent& agent : agents) REQUIRE(session->Publish(agent.Birth(next)));
  }
  // A tick of all but the last `away` machines.
  void Tick(int away = 0) {
    ++number;
    RunUntil(*loop, [&] { return clock.WallMs() >= agents[0].TimeOf(number); });
    for (int i = 0; i < kMachines - away; ++i) {
      REQUIRE(session->Publish(agents[static_cast<size_t>(i)].Live(Said(i, number))));
    }
  }
  // Time passes, and everybody only records.
  void Record(int ticks) { number += static_cast<uint64_t>(ticks); }
  // What may not have been stored is sent again, in its order.
  void SendAgain() {
    Born(number + 1);
    for (uint64_t n = 1; n <= number; ++n) {
      for (int i = 0; i < kMachines; ++i) {
        REQUIRE(session->Publish(agents[static_cast<size_t>(i)].Historical(Said(i, n))));
      }
    }
  }
  // A machine's outage, newest stretch first.
  void BackFill(int machine, uint64_t first, uint64_t last) {
    const TestAgent& agent = agents[static_cast<size_t>(machine)];
    REQUIRE(session->Publish(agent.Birth(number + 1)));
    for (uint64_t end = last + 1; end > first;) {
      const uint64_t begin = end - first > 7 ? end - 7 : first;
      std::vector<TestAgent::Tick> ticks;
      for (uint64_t n = begin; n < end; ++n) ticks.push_back(Said(machine, n));
      REQUIRE(session->Publish(agent.Envelope(ticks)));
      end = begin;
    }
  }
};

struct Run {
  TempDir dir;
  Fleet fleet;
  ReceiverProcess receiver;
  CollectorProcess collector;

  Run(ReceiverProcess::Program program, const std::string& out_of_order)
      : receiver(std::move(program)),
        collector(fleet.broker, dir.path(),
                  "[[remote_write]]\nurl = \"" + receiver.WriteUrl() +
                      "\"\nbackoff_max = \"200ms\"\nmax_samples_per_send = 40\n" +
                      "external_labels = { province = \"quang-ninh\" }\nout_of_order = \"" +
                      out_of_order + "\"\n") {
    StartCollector();
    fleet.Born(1);
  }

  void StartCollector() { fleet.Start(collector); }
  double Metric(const std::string& name, const std::string& labels) const {
    const std::string all = collector.Metrics("/metrics");
    const std::string line = "\nhaidang_collector_" + name + labels;
    const size_t at = all.find(line);
    if (at == std::string::npos) return NAN;
    return std::strtod(all.c_str() + all.find(' ', at), nullptr);
  }
  double Remote(const std::string& name) const { return Metric("remote_" + name, "{"); }
  uint64_t Rows() const {
    auto db = Database::Open(collector.database(), {.read_only = true});
    REQUIRE(db);
    auto rows = db->Prepare("SELECT count(*) FROM journal");
    REQUIRE(rows);
    REQUIRE(*rows->Step());
    return rows->UInt(0);
  }
  bool Sent() const { return Remote("lag_rows") == 0 && Remote("pending_samples") == 0; }

  static std::string Name(const std::string& metric, int machine) {
    const bool cpu = metric == "node_cpu_seconds_total";
    return metric + "{class=\"server\"," + (cpu ? "cpu=\"0\"," : "") + "instance=\"may-" +
           std::to_string(machine) + "\"," + (cpu ? "mode=\"idle\"," : "") +
           "province=\"quang-ninh\",site=\"06652\"}";
  }
  // What the store holds, by the names that receivers have for it.
  Samples Stored() const {
    Samples stored;
    auto reader = store::OpenReader(collector.database());
    REQUIRE(reader);
    constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
    const int64_t now_ms = SystemClock().WallMs();
    for (const char* metric :
         {"node_load1", "node_cpu_seconds_total", "node_memory_MemTotal_bytes"}) {
      for (int i = 0; i < kMachines; ++i) {
        auto answer = (*reader)->Range(store::AsRange({.machine = "may-" + std::to_string(i),
                                                       .metric = metric,
                                                       .labels = {},
                                                       .from_ms = now_ms - kDayMs,
                                                       .to_ms = now_ms + kDayMs,
                                                       .step_ms = {}}),
                                       {});
        REQUIRE(answer);
        REQUIRE(answer->columns.size() == 1);
        auto& to = stored[Name(metric, i)];
        const query::Column& column = answer->columns[0];
        for (size_t at = 0; at < column.times_ms.size(); ++at) {
          if (!std::isnan(column.values[at])) {
            to.emplace_back(column.times_ms[at], column.values[at]);
          }
        }
      }
    }
    return stored;
  }
  // Waits until everything was sent, ends the collector, and looks at both sides.
  void CheckWhole(const std::function<Samples()>& kept) {
    REQUIRE(RunUntil(
        *fleet.loop, [&] { return Rows() == kMachines * fleet.number && Sent(); }, 30s));
    const auto [status, took] = collector.Terminate();
    CHECK(status == 0);
    CHECK(took < 2s);
    const Samples stored = Stored();
    size_t samples = 0;
    for (const auto& [name, of] : stored) samples += of.size();
    CHECK(samples == kMachines * 3 * fleet.number);
    const auto deadline = std::chrono::steady_clock::now() + 15s;
    while (kept() != stored && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(200ms);
    }
    const Samples last = kept();
    for (const auto& [name, of] : stored) {
      INFO(name);
      REQUIRE(last.contains(name));
      CHECK(last.at(name).size() == of.size());
      CHECK(Only(of, last.at(name)) == "");
      CHECK(Only(last.at(name), of) == "");
    }
    CHECK(last.size() == stored.size());
  }
  // The samples of `a` that `b` has not as they are, once.
  std::string Only(const Samples::mapped_type& a, const Samples::mapped_type& b) const {
    std::string only;
    for (const auto& sample : a) {
      if (std::count(b.begin(), b.end(), sample) == 1) continue;
      only += "+" + std::to_string(sample.first - fleet.agents[0].epoch_ms) +
              " ms: " + std::to_string(sample.second) + "; ";
    }
    return only;
  }
  Samples AtPrometheus() const {
    return receiver.Query("{__name__=~\"node_.*\"}[1h]", fleet.clock.WallMs() + 60000);
  }
};

// Everything happens to it: its receiver and its collector are killed, machines are away and come
// back with what they recorded.
void Live(Run& run) {
  const auto ticks = [&](int count, int away) {
    for (int i = 0; i < count; ++i) run.fleet.Tick(away);
  };
  ticks(10, 0);
  ticks(10, 2);
  run.receiver.Kill();
  ticks(6, 2);
  run.receiver.Start();
  ticks(4, 2);
  run.collector.Kill();
  run.fleet.Record(4);
  run.StartCollector();
  run.fleet.Born(run.fleet.number + 1);
  ticks(2, 2);
  run.fleet.BackFill(4, 11, run.fleet.number);
  ticks(4, 1);
  run.fleet.BackFill(3, 11, run.fleet.number);
  ticks(4, 0);
  run.receiver.Kill();
  run.collector.Kill();
  run.receiver.Start();
  run.StartCollector();
  run.fleet.SendAgain();
  ticks(4, 0);
}

}  // namespace

TEST_CASE("Prometheus with an out-of-order window has in the end what the store has") {
  Run run(Prometheus("1h"), "1h");
  Live(run);
  INFO(run.receiver.log() << run.collector.log());
  CHECK(run.Remote("dropped_samples_total") == 0);
  run.CheckWhole([&] { return run.AtPrometheus(); });
}

TEST_CASE("VictoriaMetrics has in the end what the store has") {
  Run run(VictoriaMetrics(), "30d");
  Live(run);
  INFO(run.receiver.log() << run.collector.log());
  run.CheckWhole([&] { return Export(run.receiver, "{__name__=~\"node_.*\"}"); });
}

TEST_CASE("Prometheus that takes samples in order alone has all that came in order") {
  Run run(Prometheus("0s"), "0s");
  const auto ticks = [&](int count) {
    for (int i = 0; i < count; ++i) run.fleet.Tick();
  };
  ticks(8);
  run.receiver.Kill();
  ticks(6);
  run.receiver.Start();
  ticks(6);
  for (int life = 0; life < 3; ++life) {
    run.collector.Kill();
    run.fleet.Record(2);
    run.StartCollector();
    run.fleet.SendAgain();
    ticks(5);
  }
  INFO(run.receiver.log() << run.collector.log());
  run.CheckWhole([&] { return run.AtPrometheus(); });
}

TEST_CASE("a machine that vanishes ends, also where the collector did not live to say so") {
  Run run(Prometheus("0s"), "0s");
  const auto now = [&](int machine) {
    return run.receiver.Query("node_load1{instance=\"may-" + std::to_string(machine) + "\"}",
                              run.fleet.clock.WallMs());
  };
  for (int i = 0; i < 4; ++i) run.fleet.Tick();
  REQUIRE(RunUntil(*run.fleet.loop, [&] { return !now(4).empty() && !now(3).empty(); }));
  REQUIRE(run.fleet.session->Publish(run.fleet.agents[4].Death()));
  for (int i = 0; i < 10; ++i) run.fleet.Tick(1);
  INFO(run.receiver.log() << run.collector.log());
  CHECK(now(4).empty());
  CHECK_FALSE(now(3).empty());
  // Told within a tick of the last one, not from now on.
  const auto ended =
      run.receiver.Query("node_load1{instance=\"may-4\"}", run.fleet.agents[4].TimeOf(4) + 1000);
  CHECK(ended.empty());
  run.collector.Kill();
  REQUIRE(run.fleet.session->Publish(run.fleet.agents[3].Death()));  // nobody hears it
  RunFor(*run.fleet.loop, 500ms);
  run.StartCollector();
  run.fleet.Record(1);
  for (int i = 0; i < 14; ++i) run.fleet.Tick(2);
  CHECK(now(3).empty());
  CHECK_FALSE(now(2).empty());
}

TEST_CASE("a receiver that says nothing does not hold up the end, nor what is stored") {
  TempDir dir;
  Fleet fleet;
  RawReceiver receiver([](const RawReceiver::Seen&, size_t) { return RawReceiver::Reply{}; });
  CollectorProcess collector(fleet.broker, dir.path(),
                             "[[remote_write]]\nurl = \"" + receiver.Url() + "\"\n");
  fleet.Start(collector);
  fleet.Born(1);
  for (int i = 0; i < 3; ++i) fleet.Tick();
  REQUIRE(RunUntil(*fleet.loop, [&] { return receiver.requests() > 0; }));
  REQUIRE(RunUntil(*fleet.loop, [&] {
    return collector.Metrics("/metrics").find("haidang_collector_batches_total 15\n") !=
           std::string::npos;
  }));
  const auto [status, took] = collector.Terminate();
  CHECK(status == 0);
  CHECK(took < 1500ms);
}
