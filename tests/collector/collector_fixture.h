#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/collector.h"
#include "core/log.h"
#include "tests/collector/world.h"
#include "tests/support/fake_loop.h"

namespace haidang::collector::testing {

using namespace std::chrono_literals;

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

struct CollectorFixture {
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

  CollectorFixture() {
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

}  // namespace haidang::collector::testing
