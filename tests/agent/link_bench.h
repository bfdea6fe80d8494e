#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "agent/link.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/topic.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

// What the tests of the link have in common.
namespace haidang::testing {

using namespace haidang::agent;

// What the Link's session did, and the strings to pull.
struct FakeNetwork {
  MqttHandlers handlers;
  std::vector<MqttSubscription> subscriptions;
  std::vector<MqttMessage> wills;
  std::vector<MqttMessage> sent;
  std::vector<MqttMessage> last_words;
  std::chrono::milliseconds deadline{0};
  bool started = false;
  bool up = false;
  size_t room = 1 << 30;  // bytes

  void Connect() {
    wills.push_back(handlers.will());
    up = true;
    handlers.connected();
  }
  void Lose() {
    up = false;
    handlers.disconnected(Error{"lost"});
  }
};

class FakeSession final : public MqttSession {
 public:
  explicit FakeSession(FakeNetwork& network) : network_(network) {}
  void Start() override { network_.started = true; }
  bool connected() const override { return network_.up; }
  bool Publish(MqttMessage message) override {
    if (!network_.up || message.payload.size() > network_.room) return false;
    network_.room -= message.payload.size();
    network_.sent.push_back(std::move(message));
    return true;
  }
  size_t outgoing_bytes() const override { return 0; }
  void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds deadline,
            std::function<void()> done) override {
    network_.last_words = std::move(last);
    network_.deadline = deadline;
    network_.up = false;
    done();
  }
  void Reconnect() override {}

 private:
  FakeNetwork& network_;
};

using Key = std::pair<uint64_t, uint64_t>;

struct Seen {
  std::string type;  // "NBIRTH", "NDATA"
  uint64_t seq = 0;
  Key key;
  bool historical = false;
  bool packed = false;  // came in an envelope with others
  sparkplug::Birth birth;
};

// A link with a real spool and recorder, in simulated time.
class Bench {
 public:
  Bench() : loop(clock) {
    Open();
    REQUIRE(link->Start().ok());
    REQUIRE(network.started);
  }

  void Open() {
    link.reset();
    recorder.reset();
    spool.reset();
    SpoolOptions spool_options;
    spool_options.path = dir / "spool.db";
    spool_options.sync = std::chrono::hours(24 * 365);  // simulated days make real syncs
    auto opened = Spool::Open(spool_options, clock, [this] { return ++ids; });
    REQUIRE(opened.ok());
    spool = std::move(opened).value();
    recorder = std::make_unique<Recorder>(*spool, clock, RecorderOptions{.boot_id = 77});
    LinkOptions options;
    options.group = "quang-ninh";
    options.machine = "may-01";
    options.machine_class = "server";
    options.site = "06652";
    options.os = "linux";
    options.version = "0.1.0";
    options.leased = [this](const std::vector<sparkplug::Lease>& told) { leases.push_back(told); };
    link = std::make_unique<Link>(
        loop, clock, options, *recorder, *spool, [this] { return uniform(random); },
        [this](Loop&, const Clock&, const MqttOptions& mqtt,
               std::vector<MqttSubscription> subscriptions,
               MqttHandlers handlers) -> Result<std::unique_ptr<MqttSession>> {
          CHECK(mqtt.client_id == "may-01");
          network.subscriptions = std::move(subscriptions);
          network.handlers = std::move(handlers);
          return std::unique_ptr<MqttSession>(std::make_unique<FakeSession>(network));
        });
  }

  StoredBatch Tick(const std::string& metric = "node_load1") {
    agent::Tick tick;
    tick.wall_ms = clock.WallMs();
    tick.since_boot_ms = clock.SinceBootMs();
    tick.groups.push_back({"load", true, {{{metric, {}}, static_cast<double>(++ticks)}}});
    auto stored = recorder->Record(std::move(tick));
    REQUIRE(stored.ok());
    link->Submit(*stored);
    return std::move(stored).value();
  }

  // What was sent since the last call, each batch of an envelope for itself.
  std::vector<Seen> Take() {
    std::vector<Seen> all;
    for (const MqttMessage& message : std::exchange(network.sent, {})) {
      for (Seen& seen : ReadAll(message)) all.push_back(std::move(seen));
    }
    return all;
  }

  Seen Read(const MqttMessage& message) {
    auto all = ReadAll(message);
    REQUIRE(all.size() == 1);
    return std::move(all[0]);
  }

  std::vector<Seen> ReadAll(const MqttMessage& message) {
    CHECK_FALSE(message.retained);
    const auto topic = sparkplug::ParseTopic(message.topic);
    REQUIRE(topic.ok());
    CHECK(topic->group == "quang-ninh");
    CHECK(topic->node == "may-01");
    CHECK(message.qos == 0);
    if (topic->type == sparkplug::MessageType::kNBirth) {
      auto birth = sparkplug::DecodeBirth(message.payload);
      REQUIRE(birth.ok());
      Seen seen;
      seen.type = "NBIRTH";
      seen.seq = birth->seq;
      seen.birth = std::move(birth).value();
      return {std::move(seen)};
    }
    REQUIRE(topic->type == sparkplug::MessageType::kNData);
    sparkplug::BatchDecoder decoder;
    const auto data = decoder.Decode(message.payload);
    REQUIRE(data.ok());
    REQUIRE_FALSE(data->batches.empty());
    std::vector<Seen> all;
    for (const sparkplug::BatchView& batch : data->batches) {
      CHECK(batch.crc_matches);
      Seen& seen = all.emplace_back();
      seen.type = "NDATA";
      seen.seq = data->seq;
      seen.key = {batch.header.spool_id, batch.header.number};
      seen.historical = batch.historical;
      seen.packed = data->batches.size() > 1;
    }
    return all;
  }

  void Command(const std::string& payload) {
    network.handlers.received({{"spBv1.0/quang-ninh/NCMD/may-01", payload, 0, false}});
  }
  void Commit(uint64_t cumulative, std::vector<sparkplug::NumberRange> ranges = {},
              uint64_t spool_id = 0) {
    sparkplug::Committed committed;
    committed.store_id = 5;
    committed.spool_id = spool_id != 0 ? spool_id : spool->id();
    committed.cumulative = cumulative;
    committed.ranges = std::move(ranges);
    Command(sparkplug::EncodeCommitted(committed));
  }

  FakeClock clock;
  FakeLoop loop;
  TempDir dir;
  FakeNetwork network;
  std::mt19937 random{1};
  std::uniform_real_distribution<double> uniform{0, 1};
  std::vector<std::vector<sparkplug::Lease>> leases;  // each command's
  uint64_t ids = 0;
  int ticks = 0;
  std::unique_ptr<Spool> spool;
  std::unique_ptr<Recorder> recorder;
  std::unique_ptr<Link> link;
};

}  // namespace haidang::testing
