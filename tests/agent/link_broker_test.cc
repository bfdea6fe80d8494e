// The link against a real Mosquitto, with a collector that only knows how to commit.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "agent/link.h"
#include "core/sparkplug/topic.h"
#include "tests/support/broker_process.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

MqttOptions Options(const BrokerProcess& broker, const std::string& id) {
  MqttOptions options;
  options.uri = broker.uri();
  options.client_id = id;
  options.backoff_min = 20ms;
  options.backoff_max = 200ms;
  return options;
}

// Commits what it receives in memory and says so for each birth and each batch.
class SmallCollector {
 public:
  SmallCollector(Loop& loop, const Clock& clock, const BrokerProcess& broker) : clock_(clock) {
    MqttHandlers handlers;
    handlers.will = [] { return MqttMessage{}; };
    handlers.connected = [this] {
      connected = true;  // and may have missed a birth
      session_->Publish(
          {"spBv1.0/quang-ninh/NCMD/may-01", sparkplug::EncodeRebirth(clock_.WallMs()), 0, false});
    };
    handlers.disconnected = [this](const Error&) { connected = false; };
    handlers.received = [this](std::vector<MqttMessage>&& messages) {
      for (const MqttMessage& message : messages) Receive(message);
    };
    auto session = MakeMqttSession(loop, clock, Options(broker, "collector"),
                                   {{"spBv1.0/quang-ninh/#", 0}}, std::move(handlers));
    REQUIRE(session.ok());
    session_ = std::move(session).value();
    session_->Start();
  }

  bool connected = false;
  std::vector<std::string> types;  // of everything received
  std::map<uint64_t, std::set<uint64_t>> committed;
  sparkplug::AgentState state = sparkplug::AgentState::kRunning;

 private:
  void Receive(const MqttMessage& message) {
    const auto topic = sparkplug::ParseTopic(message.topic);
    REQUIRE(topic.ok());
    if (topic->type == sparkplug::MessageType::kNCmd) return;
    if (topic->type == sparkplug::MessageType::kNBirth) {
      types.push_back("NBIRTH");
      const auto birth = sparkplug::DecodeBirth(message.payload);
      REQUIRE(birth.ok());
      for (const auto& held : birth->held) Commit(held.spool_id);
    } else if (topic->type == sparkplug::MessageType::kNDeath) {
      types.push_back("NDEATH");
    } else {
      types.push_back("NDATA");
      const auto data = decoder_.Decode(message.payload);
      REQUIRE(data.ok());
      for (const auto& batch : data->batches) {
        REQUIRE(batch.crc_matches);
        committed[batch.header.spool_id].insert(batch.header.number);
        state = batch.header.state;
        Commit(batch.header.spool_id);
      }
    }
  }

  void Commit(uint64_t spool_id) {
    sparkplug::Committed answer;
    answer.store_id = 1;
    answer.spool_id = spool_id;
    for (const uint64_t number : committed[spool_id]) {
      if (number == answer.cumulative + 1) {
        answer.cumulative = number;
      } else if (!answer.ranges.empty() && answer.ranges.back().last + 1 == number) {
        answer.ranges.back().last = number;
      } else if (answer.ranges.size() < sparkplug::kMaxCommittedRanges) {
        answer.ranges.push_back({number, number});
      }
    }
    answer.sent_ms = clock_.WallMs();
    session_->Publish(
        {"spBv1.0/quang-ninh/NCMD/may-01", sparkplug::EncodeCommitted(answer), 0, false});
  }

  const Clock& clock_;
  sparkplug::BatchDecoder decoder_;
  std::unique_ptr<MqttSession> session_;
};

}  // namespace

TEST_CASE("batches reach a collector through a broker that dies in between") {
  BrokerProcess broker;
  TempDir dir;
  const auto loop = MakeLoop();
  SystemClock clock;
  SmallCollector collector(*loop, clock, broker);
  REQUIRE(RunUntil(*loop, [&] { return collector.connected; }));

  auto spool = Spool::Open({dir / "spool.db"}, clock, std::mt19937_64(1));
  REQUIRE(spool.ok());
  Recorder recorder(**spool, clock, {});
  LinkOptions options;
  options.group = "quang-ninh";
  options.machine = "may-01";
  options.mqtt = Options(broker, "may-01");
  options.birth_spacing = 50ms;
  std::minstd_rand random(1);
  Link link(*loop, clock, options, recorder, **spool,
            [&] { return std::uniform_real_distribution<double>(0, 1)(random); });
  const auto tick = [&](sparkplug::AgentState state = sparkplug::AgentState::kRunning) {
    agent::Tick read;
    read.wall_ms = clock.WallMs();
    read.since_boot_ms = clock.SinceBootMs();
    read.groups.push_back(
        {"load", true, {{{"node_load1", {}}, static_cast<double>(read.wall_ms)}}});
    auto stored = recorder.Record(std::move(read), state);
    REQUIRE(stored.ok());
    return std::move(stored).value();
  };
  const auto all_acknowledged = [&] { return (*spool)->waiting_batches() == 0; };

  for (int i = 0; i < 50; ++i) link.Submit(tick());  // nobody is connected yet
  REQUIRE(link.Start().ok());
  REQUIRE(RunUntil(*loop, all_acknowledged));
  CHECK(collector.types.front() == "NBIRTH");
  const auto ticking = loop->Every(10ms, [&] { link.Submit(tick()); });
  RunFor(*loop, 300ms);
  broker.Kill();
  RunFor(*loop, 500ms);
  CHECK((*spool)->waiting_batches() >= 10);
  broker.Start();
  REQUIRE(RunUntil(*loop, [&] { return link.stats().connected && collector.connected; }));
  RunFor(*loop, 300ms);
  CHECK(RunUntil(
      *loop, [&] { return (*spool)->waiting_batches() < 10; }, 60s));

  bool done = false;
  const StoredBatch last = tick(sparkplug::AgentState::kStopping);
  const auto begin = std::chrono::steady_clock::now();
  link.Stop(last, 1500ms, [&] { done = true; });
  REQUIRE(RunUntil(*loop, [&] { return done; }));
  CHECK(std::chrono::steady_clock::now() - begin < 1900ms);
  REQUIRE(RunUntil(*loop, [&] { return collector.types.back() == "NDEATH"; }));
  CHECK(collector.state == sparkplug::AgentState::kStopping);
  CHECK(collector.committed[last.spool_id].contains(last.number));
}
