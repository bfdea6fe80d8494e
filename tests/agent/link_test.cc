#include "agent/link.h"

#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <set>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/topic.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

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
  sparkplug::Birth birth;
};

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
    auto opened = Spool::Open({dir / "spool.db"}, clock, [this] { return ++ids; });
    REQUIRE(opened.ok());
    spool = std::move(opened).value();
    recorder = std::make_unique<Recorder>(*spool, RecorderOptions{});
    LinkOptions options;
    options.group = "quang-ninh";
    options.machine = "may-01";
    options.machine_class = "server";
    options.site = "06652";
    options.os = "linux";
    options.version = "0.1.0";
    link = std::make_unique<Link>(
        loop, clock, options, *recorder, *spool, [this] { return uniform(random); },
        [this](Loop&, const Clock&, MqttOptions mqtt, std::vector<MqttSubscription> subscriptions,
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

  // What was sent since the last call.
  std::vector<Seen> Take() {
    std::vector<Seen> all;
    for (const MqttMessage& message : std::exchange(network.sent, {})) all.push_back(Read(message));
    return all;
  }

  Seen Read(const MqttMessage& message) {
    CHECK_FALSE(message.retained);
    const auto topic = sparkplug::ParseTopic(message.topic);
    REQUIRE(topic.ok());
    CHECK(topic->group == "quang-ninh");
    CHECK(topic->node == "may-01");
    Seen seen;
    if (topic->type == sparkplug::MessageType::kNBirth) {
      CHECK(message.qos == 0);
      auto birth = sparkplug::DecodeBirth(message.payload);
      REQUIRE(birth.ok());
      seen.type = "NBIRTH";
      seen.seq = birth->seq;
      seen.birth = std::move(birth).value();
      return seen;
    }
    REQUIRE(topic->type == sparkplug::MessageType::kNData);
    CHECK(message.qos == 0);
    sparkplug::BatchDecoder decoder;
    const auto data = decoder.Decode(message.payload);
    REQUIRE(data.ok());
    REQUIRE(data->batches.size() == 1);
    CHECK(data->batches[0].crc_matches);
    seen.type = "NDATA";
    seen.seq = data->seq;
    seen.key = {data->batches[0].header.spool_id, data->batches[0].header.number};
    seen.historical = data->batches[0].historical;
    return seen;
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
  uint64_t ids = 0;
  int ticks = 0;
  std::unique_ptr<Spool> spool;
  std::unique_ptr<Recorder> recorder;
  std::unique_ptr<Link> link;
};

}  // namespace

TEST_CASE("message-flow-edge-node-ncmd-subscribe: NCMD at QoS 1, then NBIRTH with seq 0") {
  Bench bench;
  REQUIRE(bench.network.subscriptions.size() == 1);
  CHECK(bench.network.subscriptions[0].filter == "spBv1.0/quang-ninh/NCMD/may-01");
  CHECK(bench.network.subscriptions[0].qos == 1);
  bench.Tick();
  CHECK(bench.Take().empty());  // waits in the spool
  bench.network.Connect();
  auto seen = bench.Take();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].type == "NBIRTH");
  CHECK(seen[0].seq == 0);
  const sparkplug::Birth& birth = seen[0].birth;
  CHECK(birth.machine_class == "server");
  CHECK(birth.site == "06652");
  CHECK(birth.interval_ms == 15000);
  CHECK(birth.series.size() == 1);
  REQUIRE(birth.held.size() == 1);
  CHECK(birth.held[0].first == 1);
  CHECK(birth.held[0].next == 2);
  for (uint64_t i = 0; i < 300; ++i) {
    bench.Tick();
    seen = bench.Take();
    REQUIRE(seen.size() == 1);
    REQUIRE(seen[0].seq == (i + 1) % 256);
    REQUIRE_FALSE(seen[0].historical);
  }
}

TEST_CASE("payloads-ndeath-bdseq: +1 for each CONNECT, the same in Will and birth, over restarts") {
  Bench bench;
  bench.Tick();
  for (uint8_t i = 0; i < 3; ++i) {
    bench.network.Connect();
    const MqttMessage& will = bench.network.wills.back();
    CHECK(will.topic == "spBv1.0/quang-ninh/NDEATH/may-01");
    CHECK(will.qos == 1);
    CHECK_FALSE(will.retained);
    CHECK(*sparkplug::DecodeDeath(will.payload) == i);
    CHECK(bench.Take().at(0).birth.bd_seq == i);
    bench.Command(sparkplug::EncodeRebirth(0));
    bench.loop.Advance(5s);
    CHECK(bench.Take().at(0).birth.bd_seq == i);  // unchanged on a rebirth
    bench.network.Lose();
  }
  bench.Open();
  REQUIRE(bench.link->Start().ok());
  bench.Tick();
  bench.network.Connect();
  CHECK(bench.Take().at(0).birth.bd_seq == 3);
}

TEST_CASE("the first birth waits for the first tick, and goes at once then") {
  Bench bench;
  bench.network.Connect();
  bench.Command(sparkplug::EncodeRebirth(0));
  bench.loop.Advance(60s);
  CHECK(bench.Take().empty());
  bench.Tick();
  const auto seen = bench.Take();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].type == "NBIRTH");
  CHECK(seen[0].birth.series.size() == 1);
  CHECK(seen[1].type == "NDATA");
}

TEST_CASE("after a roll-back the birth of the new spool id waits for its first tick") {
  Bench bench;
  bench.network.Connect();
  bench.Tick();
  bench.loop.Advance(60s);
  bench.Take();
  const uint64_t before = bench.spool->id();
  bench.Commit(99);
  REQUIRE(bench.spool->id() != before);
  bench.Command(sparkplug::EncodeRebirth(0));
  bench.loop.Advance(60s);
  CHECK(bench.Take().empty());
  bench.Tick();
  const auto seen = bench.Take();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].birth.spool_id == bench.spool->id());
  CHECK(seen[0].birth.series.size() == 1);
  CHECK(seen[1].key == Key{bench.spool->id(), 1});
}

TEST_CASE(
    "backlog waits for the answer to the birth, then goes newest first, live batches before") {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.Tick();
  bench.network.Connect();
  bench.loop.Advance(60s);
  CHECK(bench.Take().size() == 1);  // the birth alone
  bench.Commit(0);
  bench.loop.Advance(200ms);
  bench.Tick();
  bench.loop.Advance(10s);
  const auto seen = bench.Take();
  std::vector<uint64_t> backlog;
  uint64_t seq = 0;
  for (const Seen& one : seen) {
    CHECK(one.seq == ++seq);
    if (one.key.second == 101) {
      CHECK_FALSE(one.historical);
    } else {
      CHECK(one.historical);
      backlog.push_back(one.key.second);
    }
  }
  REQUIRE(backlog.size() == 100);
  CHECK(std::is_sorted(backlog.rbegin(), backlog.rend()));
  CHECK(backlog.front() == 100);
}

TEST_CASE("backlog keeps to the rate that the collector grants") {
  Bench bench;
  for (int i = 0; i < 200; ++i) bench.Tick();
  bench.network.Connect();
  bench.Take();
  bench.Command(sparkplug::EncodeBackfillRate(5, 0));
  bench.Commit(0);
  bench.loop.Advance(5s);
  const size_t first = bench.Take().size();
  CHECK(first >= 20);
  CHECK(first <= 26);
  bench.Command(sparkplug::EncodeBackfillRate(0, 0));
  bench.loop.Advance(5s);
  CHECK(bench.Take().empty());
  bench.Command(sparkplug::EncodeBackfillRate(100, 0));
  bench.loop.Advance(5s);
  CHECK(bench.Take().size() == 200 - first);
}

TEST_CASE("not acknowledged in time: sent again, waiting twice as long each time") {
  Bench bench;
  bench.network.Connect();
  bench.Commit(0);
  bench.Take();
  bench.Tick();  // makes the birth
  bench.loop.Advance(3s);
  bench.Commit(0);
  bench.loop.Advance(1s);
  bench.Take();
  std::vector<int64_t> times;
  const int64_t begin = bench.clock.MonotonicNs();
  while (bench.clock.MonotonicNs() - begin < 3600LL * 1000000000) {
    bench.loop.Advance(1s);
    for (const Seen& seen : bench.Take()) {
      CHECK(seen.historical);
      CHECK(seen.key.second == 1);
      times.push_back((bench.clock.MonotonicNs() - begin) / 1000000000);
    }
  }
  REQUIRE(times.size() >= 8);
  CHECK(times.size() <= 16);
  CHECK(times[0] >= 18);
  CHECK(times[0] <= 40);
  int64_t longest = 0;
  for (size_t i = 1; i < times.size(); ++i) longest = std::max(longest, times[i] - times[i - 1]);
  CHECK(longest <= 605);
  CHECK(longest >= 360);
  bench.Commit(1);
  CHECK(bench.link->stats().waiting_batches == 0);
  CHECK(bench.link->stats().acknowledged_batches == 1);
  bench.loop.Advance(1h);
  CHECK(bench.Take().empty());
  CHECK(bench.loop.timers() == 0);  // an idle link sleeps
}

TEST_CASE("a new series is declared before a batch uses it") {
  Bench bench;
  bench.network.Connect();
  bench.Take();
  bench.loop.Advance(10s);
  bench.Tick("node_load5");
  auto seen = bench.Take();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].type == "NBIRTH");
  CHECK(seen[0].birth.series.size() == 1);
  CHECK(seen[1].type == "NDATA");
  CHECK(seen[1].seq == 1);
  // Births keep their distance; meanwhile the batch waits in the spool.
  bench.Tick("node_load15");
  CHECK(bench.Take().empty());
  bench.loop.Advance(3s);
  seen = bench.Take();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].type == "NBIRTH");
  bench.Commit(1);
  bench.loop.Advance(1s);
  seen = bench.Take();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].key.second == 2);
}

TEST_CASE(
    "a flood of rebirth requests makes a birth each two seconds at most, and no data before") {
  Bench bench;
  bench.network.Connect();
  bench.Tick();
  bench.loop.Advance(10s);
  bench.Take();
  for (int i = 0; i < 100; ++i) {
    bench.Command(sparkplug::EncodeRebirth(0));
    bench.loop.Advance(100ms);
  }
  size_t births = 0;
  for (const Seen& seen : bench.Take()) births += seen.type == "NBIRTH";
  CHECK(births >= 4);
  CHECK(births <= 6);
  bench.Command(sparkplug::EncodeRebirth(0));
  bench.Tick();
  CHECK(bench.Take().empty());
  bench.loop.Advance(3s);
  CHECK(bench.Take().size() == 1);
}

TEST_CASE("after a birth the next batch is full") {
  Bench bench;
  bench.Tick();
  bench.network.Connect();
  bench.Tick();
  sparkplug::BatchDecoder decoder;
  const auto data = decoder.Decode(bench.network.sent.back().payload);
  REQUIRE(data.ok());
  CHECK(data->batches[0].header.full);
}

TEST_CASE("commands that cannot be read are counted and dropped") {
  Bench bench;
  bench.network.Connect();
  bench.Take();
  for (int i = 0; i < 1000; ++i) bench.Command(std::string(100, '\xff'));
  bench.Command("");
  bench.network.handlers.received({{"spBv1.0/quang-ninh/NCMD/may-02", "x", 0, false}});
  CHECK(bench.link->stats().bad_commands == 1000);
  CHECK(bench.Take().empty());
}

TEST_CASE("no room in the outgoing queue: the batch waits and goes later") {
  Bench bench;
  bench.Tick();
  bench.network.Connect();
  bench.Commit(1);
  bench.Take();
  bench.network.room = 0;
  bench.Tick();
  bench.Tick();
  CHECK(bench.Take().empty());
  bench.network.room = 1 << 30;
  bench.loop.Advance(2s);
  const auto seen = bench.Take();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].key.second == 3);
  CHECK(seen[1].seq == 2);  // no number was wasted
}

TEST_CASE("operational-behavior-edge-node-intentional-disconnect: last data, then NDEATH") {
  Bench bench;
  bench.network.Connect();
  bench.Tick();
  bench.Tick("node_load5");
  bench.Take();
  agent::Tick tick;
  tick.since_boot_ms = bench.clock.SinceBootMs();
  const auto last = bench.recorder->Record(std::move(tick), sparkplug::AgentState::kStopping);
  REQUIRE(last.ok());
  bool done = false;
  bench.link->Stop(*last, 1500ms, [&] { done = true; });
  CHECK(done);
  CHECK(bench.network.deadline == 1500ms);
  CHECK(bench.Take().at(0).type == "NBIRTH");  // that of the series of the tick before
  REQUIRE(bench.network.last_words.size() == 2);
  CHECK(bench.Read(bench.network.last_words[0]).key.second == last->number);
  CHECK(bench.network.last_words[1].topic == "spBv1.0/quang-ninh/NDEATH/may-01");
  CHECK(*sparkplug::DecodeDeath(bench.network.last_words[1].payload) == 0);
  bench.Tick();
  bench.loop.Advance(1h);
  CHECK(bench.Take().empty());
  CHECK(bench.spool->waiting_batches() == 4);  // nobody acknowledged
}

TEST_CASE("stopping without a connection, and before Start, ends too") {
  Bench bench;
  bool done = false;
  bench.link->Stop(std::nullopt, 1s, [&] { done = true; });
  CHECK(done);
  CHECK(bench.network.last_words.empty());
  bench.Open();
  done = false;
  bench.link->Stop(std::nullopt, 1s, [&] { done = true; });
  bench.loop.RunPosted();
  CHECK(done);
}

TEST_CASE("ids that Sparkplug forbids are refused") {
  Bench bench;
  LinkOptions options;
  options.group = "a/b";
  options.machine = "m";
  Link link(bench.loop, bench.clock, options, *bench.recorder, *bench.spool, [] { return 0.5; });
  CHECK_FALSE(link.Start().ok());
}

// A collector that loses, doubles and re-orders; links that break; agents that crash. In the end
// everything that was recorded is committed, under the key and with the bytes that it was given.
TEST_CASE("property: every batch reaches the collector, whatever is lost between") {
  for (uint32_t seed = 1; seed <= 15; ++seed) {
    CAPTURE(seed);
    Bench bench;
    std::mt19937 random(seed);
    const auto chance = [&](int percent) {
      return std::uniform_int_distribution<int>(0, 99)(random) < percent;
    };
    std::map<Key, std::string> recorded;
    std::map<Key, bool> committed;
    std::deque<Seen> wire;
    std::set<uint64_t> ids;
    size_t sent = 0;
    int loss = 30;
    const auto collector = [&] {
      for (Seen& seen : bench.Take()) {
        if (chance(loss)) continue;
        wire.insert(wire.begin() + std::uniform_int_distribution<std::ptrdiff_t>(
                                       std::max<std::ptrdiff_t>(0, std::ssize(wire) - 3),
                                       std::ssize(wire))(random),
                    std::move(seen));
      }
      bool born = false;
      while (!wire.empty()) {
        const Seen seen = std::move(wire.front());
        wire.pop_front();
        if (seen.type == "NBIRTH") {
          born = true;
        } else {
          ++sent;
          REQUIRE(recorded.contains(seen.key));
          committed[seen.key] = true;
        }
      }
      if (!bench.network.up) return;
      for (const uint64_t id : ids) {
        if (!born && chance(loss)) continue;
        uint64_t cumulative = 0;
        while (committed.contains({id, cumulative + 1})) ++cumulative;
        std::vector<sparkplug::NumberRange> ranges;
        for (auto at = committed.upper_bound({id, cumulative});
             at != committed.end() && at->first.first == id && ranges.size() < 32; ++at) {
          const uint64_t number = at->first.second;
          if (!ranges.empty() && ranges.back().last + 1 == number) {
            ranges.back().last = number;
          } else {
            ranges.push_back({number, number});
          }
        }
        bench.Commit(cumulative, ranges, id);
      }
      if (chance(5)) bench.Command(sparkplug::EncodeRebirth(0));
    };
    ids.insert(bench.spool->id());
    for (int step = 0; step < 400; ++step) {
      const StoredBatch batch = bench.Tick(chance(3) ? "node_load5" : "node_load1");
      recorded[{batch.spool_id, batch.number}] = batch.encoded;
      bench.loop.Advance(15s);
      if (!bench.network.up && chance(40)) {
        bench.network.Connect();
      } else if (bench.network.up && chance(8)) {
        bench.network.Lose();
      } else if (chance(2)) {
        bench.network.up = false;
        bench.Open();
        REQUIRE(bench.link->Start().ok());
        ids.insert(bench.spool->id());
      }
      collector();
    }
    loss = 0;
    if (!bench.network.up) bench.network.Connect();
    bench.Command(sparkplug::EncodeRebirth(0));
    for (int i = 0; i < 400 && bench.spool->waiting_batches() > 0; ++i) {
      bench.loop.Advance(5s);
      collector();
    }
    CHECK(bench.spool->waiting_batches() == 0);
    CHECK(committed.size() == recorded.size());
    CHECK(sent < 3 * recorded.size());
  }
}
