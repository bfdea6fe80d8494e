#include <catch2/catch.hpp>
#include <filesystem>

#include "collector/collector.h"
#include "core/sparkplug/birth.h"
#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/collector/world.h"
#include "tests/support/fake_loop.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;

namespace {

// A broker that does what the test says.
class FakeSession final : public MqttSession {
 public:
  FakeSession(Loop& loop, MqttHandlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}
  void Start() override { started = true; }
  bool connected() const override { return is_connected; }
  bool Publish(MqttMessage message) override {
    if (!is_connected) return false;
    if (message.topic == will.topic && !hangs) Echo(message);
    published.push_back(std::move(message));
    return true;
  }
  size_t outgoing_bytes() const override { return 0; }
  void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds,
            std::function<void()> done) override {
    for (auto& message : last) published.push_back(std::move(message));
    stopped = true;
    done();
  }
  void Reconnect() override {}

  void Connect() {
    will = handlers_.will();
    is_connected = true;
    handlers_.connected();
  }
  void Lose() {
    is_connected = false;
    handlers_.disconnected(Error{"lost"});
  }
  void Deliver(MqttMessage message) {
    std::vector<MqttMessage> one;
    one.push_back(std::move(message));
    handlers_.received(std::move(one));
  }

  bool started = false;
  bool stopped = false;
  bool is_connected = false;
  bool hangs = false;  // connected as far as anybody knows, but nothing comes through
  MqttMessage will;
  std::vector<MqttMessage> published;

 private:
  // What is published is delivered to who subscribed to it, the publisher too.
  void Echo(MqttMessage message) {
    message.retained = false;
    loop_.Post([this, message] {
      if (is_connected) Deliver(message);
    });
  }

  Loop& loop_;
  MqttHandlers handlers_;
};

struct Fixture {
  haidang::testing::TempDir dir;
  haidang::testing::FakeClock clock;
  std::unique_ptr<haidang::testing::FakeLoop> loop;
  Options options;
  FakeSession* session = nullptr;
  std::vector<MqttSubscription> subscriptions;
  std::unique_ptr<Collector> collector;
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t success = agent.Declare({"probe_success", {{"journey", "mot-cua"}, {"step", "tra-cuu"}}},
                                   DataType::kBoolean, 2);
  uint64_t seconds =
      agent.Declare({"probe_duration_seconds", {{"journey", "mot-cua"}, {"step", "tra-cuu"}}},
                    DataType::kDouble, 2);
  uint64_t number = 0;

  Fixture() {
    spdlog::set_level(spdlog::level::off);
    options.id = "collector-1";
    options.group = kGroup;
    options.directory = dir.path();
    options.objectives = {{"mot-cua", "", 3, 1}};
    Open();
    session->Connect();
  }

  void Open() {
    collector.reset();
    loop = std::make_unique<haidang::testing::FakeLoop>(clock);
    auto opened = Collector::Open(
        options, *loop, clock, [] { return uint64_t{7}; },
        [&](std::vector<MqttSubscription> asked, MqttHandlers handlers) {
          subscriptions = std::move(asked);
          auto made = std::make_unique<FakeSession>(*loop, std::move(handlers));
          session = made.get();
          return Result<std::unique_ptr<MqttSession>>(std::move(made));
        });
    REQUIRE(opened);
    collector = std::move(*opened);
    collector->Start();
  }

  // Ticks every 15 s of simulated time, as a living agent does.
  void Live(int ticks, double took = 0.5, bool ok = true) {
    for (int i = 0; i < ticks; ++i) {
      ++number;
      session->Deliver(agent.Live({.number = number,
                                   .values = {{load, 1.0}, {success, ok}, {seconds, took}},
                                   .full = number == 1}));
      loop->Advance(15s);
    }
  }
  query::MachineNow Now() {
    const auto overview = collector->DescribeNow();
    REQUIRE(overview.machines.size() == 1);
    return overview.machines[0];
  }
  std::vector<std::string> Open_() {
    std::vector<std::string> kinds;
    for (const auto& finding : collector->DescribeNow().open_findings)
      kinds.push_back(finding.kind);
    return kinds;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "tck-id-host-topic-phid-birth: STATE retained, QoS 1, as its Will") {
  CHECK(session->started);
  REQUIRE_FALSE(session->published.empty());
  const MqttMessage& birth = session->published[0];
  CHECK(birth.topic == "spBv1.0/STATE/collector-1");
  CHECK(session->will.topic == birth.topic);
  CHECK(birth.retained);
  CHECK(session->will.retained);
  CHECK(birth.qos == 1);
  CHECK(session->will.qos == 1);
  const std::string at = std::to_string(clock.WallMs());
  CHECK(birth.payload == "{\"online\":true,\"timestamp\":" + at + "}");
  CHECK(session->will.payload == "{\"online\":false,\"timestamp\":" + at + "}");
  REQUIRE(subscriptions.size() == 4);
  CHECK(subscriptions[1].filter == "spBv1.0/quang-ninh/NDATA/+");
  CHECK(subscriptions[1].qos == 0);
  CHECK(subscriptions[2].qos == 1);
  CHECK(subscriptions[3].filter == "spBv1.0/STATE/collector-1");
}

TEST_CASE_METHOD(Fixture, "a late Will of an earlier connection is set right") {
  loop->Advance(5s);
  session->published.clear();
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 5), 1, true});
  CHECK(session->published.empty());  // retained: it was there before us
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 5), 1, false});
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 6), 1, false});
  loop->Advance(1s);
  REQUIRE(session->published.size() == 1);
  CHECK(session->published[0].payload.find("true") != std::string::npos);
  session->Deliver(session->published[0]);
  loop->Advance(1s);
  CHECK(session->published.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a living machine's values are in the overview, and it is acknowledged") {
  session->Deliver(agent.Birth());
  Live(3);
  const auto now = Now();
  CHECK(now.machine == "pc-1");
  CHECK(now.site == "06652");
  CHECK(now.state == query::State::kOnline);
  CHECK(now.load1 == 1.0);
  REQUIRE(now.probes.size() == 1);
  CHECK(now.probes[0].success == true);
  CHECK(now.probes[0].seconds == 0.5);
  CHECK(now.probes[0].objective_seconds == 3);
  CHECK(collector->DescribeNow().last_data_ms > 0);
  uint64_t acknowledged = 0;
  for (const auto& message : session->published) {
    if (message.topic != "spBv1.0/quang-ninh/NCMD/pc-1") continue;
    CHECK(message.qos == 0);
    CHECK_FALSE(message.retained);
    auto command = sparkplug::DecodeCommand(message.payload);
    REQUIRE(command);
    if (command->committed) acknowledged = command->committed->cumulative;
  }
  CHECK(acknowledged == 3);
}

TEST_CASE_METHOD(Fixture, "silence makes a finding, and its values are gone; data ends both") {
  session->Deliver(agent.Birth());
  Live(2);
  loop->Advance(46s);
  CHECK(Now().state == query::State::kSilent);
  CHECK_FALSE(Now().load1);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
  Live(1);
  CHECK(Now().state == query::State::kOnline);
  CHECK(Open_().empty());
}

TEST_CASE_METHOD(Fixture, "while the broker is away nobody falls silent, but nothing stays fresh") {
  session->Deliver(agent.Birth());
  Live(2);
  session->Lose();
  const int64_t lost_ms = clock.WallMs();
  CHECK_FALSE(Now().load1);
  loop->Advance(600s);
  CHECK_FALSE(collector->DescribeNow().broker_connected);
  CHECK(collector->DescribeNow().broker_down_since_ms == lost_ms);
  CHECK(collector->WhyNotReady().starts_with("no broker since 20"));
  CHECK(collector->WhyNotReady().ends_with("Z: lost"));
  CHECK(Now().state == query::State::kOnline);
  CHECK_FALSE(Now().load1);
  session->Connect();
  CHECK_FALSE(collector->DescribeNow().broker_down_since_ms);
  CHECK(collector->WhyNotReady().empty());
  loop->Advance(40s);
  CHECK(Now().state == query::State::kOnline);
  loop->Advance(10s);
  CHECK(Now().state == query::State::kSilent);
}

TEST_CASE_METHOD(Fixture, "a broker that hangs makes no machine silent, and no finding") {
  options.detect.vanished_after = 0s;
  Open();
  session->Connect();
  session->Deliver(agent.Birth());
  Live(2);
  session->hangs = true;
  loop->Advance(300s);
  CHECK(Now().state == query::State::kOnline);
  CHECK(Open_().empty());
  session->hangs = false;
  loop->Advance(3s);  // the broker answers again: now the silence is the machine's
  CHECK(Now().state == query::State::kSilent);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
}

TEST_CASE_METHOD(Fixture,
                 "after an outage machines have the time to be back before one is missed") {
  options.detect.vanished_after = 1s;
  Open();
  session->Connect();
  session->Deliver(agent.Birth());
  Live(2);
  session->Lose();
  loop->Advance(200s);
  CHECK(Open_().empty());
  session->Connect();
  // Of the connection that went with the outage.
  session->Deliver(agent.Death());
  loop->Advance(60s);
  CHECK(Now().state == query::State::kVanished);
  CHECK(Open_().empty());
  loop->Advance(15s);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
  Live(1);
  CHECK(Open_().empty());
}

TEST_CASE_METHOD(Fixture, "the metrics and Prometheus hear of no state that nobody knows") {
  session->Deliver(agent.Birth());
  Live(1);
  const auto count = [&](const std::string& state) {
    for (const auto& family : collector->metrics().registry().Collect()) {
      if (family.name != "haidang_collector_machines") continue;
      for (const auto& metric : family.metric) {
        if (metric.label[0].value == state) return metric.gauge.value;
      }
    }
    return -1.0;
  };
  CHECK(count("online") == 1);
  CHECK(count("unknown") == 0);
  session->Lose();
  loop->Advance(1s);
  CHECK(count("online") == 0);
  CHECK(count("unknown") == 1);
}

TEST_CASE_METHOD(Fixture, "findings about probes live through a restart and close after it") {
  session->Deliver(agent.Birth());
  Live(3, 4.0, false);
  CHECK(Open_() == std::vector<std::string>{"probe_failed"});
  Open();
  session->Connect();
  CHECK(Open_() == std::vector<std::string>{"probe_failed"});
  const int64_t id = collector->DescribeNow().open_findings[0].id;
  Live(2, 4.0, false);
  REQUIRE(Open_().size() == 1);
  CHECK(collector->DescribeNow().open_findings[0].id == id);
  Live(1, 0.5, true);
  CHECK(Open_().empty());
  Live(6, 9.0, true);
  CHECK(Open_() == std::vector<std::string>{"response_slow"});
}

TEST_CASE_METHOD(Fixture,
                 "after a restart machines that go on are online, the others fall silent") {
  TestAgent other("pc-2", 0xB2);
  other.Declare({"node_load1", {}});
  session->Deliver(agent.Birth());
  session->Deliver(other.Birth());
  session->Deliver(other.Live({.number = 1, .values = {{32, 2.0}}, .full = true}));
  Live(2);
  collector.reset();
  clock.Advance(10s);
  Open();
  CHECK(collector->DescribeNow().machines.size() == 2);
  session->Connect();
  for (int i = 0; i < 4; ++i) Live(1);
  const auto machines = collector->DescribeNow().machines;
  CHECK(machines[0].state == query::State::kOnline);
  CHECK(machines[0].load1 == 1.0);
  CHECK(machines[1].state == query::State::kSilent);
  for (const auto& message : session->published) {
    auto command = sparkplug::DecodeCommand(message.payload);
    if (message.topic.find("NCMD") != std::string::npos) CHECK_FALSE(command->rebirth);
  }
}

TEST_CASE_METHOD(Fixture, "values of before a long stop are not shown as now") {
  session->Deliver(agent.Birth());
  Live(2);
  collector.reset();
  clock.Advance(3600s);
  Open();
  session->Connect();
  CHECK(Now().state == query::State::kOnline);
  CHECK_FALSE(Now().load1);
  CHECK(Now().last_seen_ms < clock.WallMs() - 3600 * 1000);
}

TEST_CASE_METHOD(Fixture, "what cannot be stored is not shown as if all were well") {
  const haidang::testing::LogCapture log;
  session->Deliver(agent.Birth());
  Live(2);
  const int64_t stored_ms = collector->DescribeNow().last_data_ms;
  CHECK_FALSE(collector->DescribeNow().not_stored_since_ms);
  const int64_t full_ms = clock.WallMs();
  {
    const haidang::testing::FileSizeLimit full(0);
    Live(20);
    const auto overview = collector->DescribeNow();
    REQUIRE(overview.not_stored_since_ms);
    CHECK(*overview.not_stored_since_ms >= full_ms);
    CHECK(*overview.not_stored_since_ms < full_ms + 1000);
    CHECK(overview.last_data_ms == stored_ms);
    CHECK(Now().state == query::State::kOnline);
    CHECK_FALSE(Now().load1);
    CHECK_FALSE(Now().probes[0].seconds);
    CHECK(log.Count("nothing can be stored") == 1);
    CHECK(collector->WhyNotReady().starts_with("nothing can be stored since 20"));
  }
  Live(2);
  CHECK_FALSE(collector->DescribeNow().not_stored_since_ms);
  CHECK(collector->DescribeNow().last_data_ms > stored_ms);
  CHECK(log.Count("nothing can be stored") == 1);
  CHECK(log.Count("is stored again, after 30") == 1);
}

TEST_CASE_METHOD(Fixture, "a broker that comes and goes is said once a minute at most") {
  const haidang::testing::LogCapture log;
  for (int i = 0; i < 180; ++i) {
    session->Lose();
    session->Connect();
    loop->Advance(1s);
  }
  CHECK(log.Count("no broker: lost") == 3);
  CHECK(log.Count("connected to the broker") == 3);
}

TEST_CASE_METHOD(Fixture, "a snapshot names places and objectives, and survives a restart") {
  session->Deliver(agent.Birth());
  Live(1);
  query::Snapshot snapshot;
  snapshot.version = 2;
  snapshot.sites = {{"06655", "Phường Hà Lầm", "commune", "22", 0, {}}};
  snapshot.placements = {{"pc-1", "06655", "workstation", 0, {}}};
  snapshot.objectives = {{"mot-cua", "tra-cuu", 1.5, 5}};
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);  // the very same
  snapshot.sites.clear();
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kOlder);
  Open();
  session->Connect();
  const auto now = Now();
  CHECK(now.site == "06655");
  CHECK(now.site_name == "Phường Hà Lầm");
  CHECK(now.machine_class == "workstation");
  CHECK(now.probes[0].objective_seconds == 1.5);
}

TEST_CASE_METHOD(Fixture,
                 "the end: what is staged is committed and acknowledged, STATE is offline") {
  session->Deliver(agent.Birth());
  loop->Advance(1s);
  session->published.clear();
  session->Deliver(agent.Live({.number = 1, .values = {{load, 1.0}}, .full = true}));
  bool done = false;
  collector->Stop(1s, [&] { done = true; });
  CHECK(done);
  REQUIRE(session->published.size() == 2);
  auto command = sparkplug::DecodeCommand(session->published[0].payload);
  REQUIRE(command);
  REQUIRE(command->committed);
  CHECK(command->committed->cumulative == 1);
  const MqttMessage& state = session->published[1];
  CHECK(state.topic == "spBv1.0/STATE/collector-1");
  CHECK(state.qos == 1);
  CHECK(state.retained);
  CHECK(state.payload == sparkplug::EncodeState(false, clock.WallMs()));
}
