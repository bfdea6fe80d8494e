#include <catch2/catch.hpp>

#include "tests/agent/link_bench.h"
#include "tests/agent/log_capture.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

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
  CHECK(seen[1].key == Key{bench.spool->id(), 2});  // after the first, recorded anew
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

TEST_CASE("a connection that comes and goes is said once a minute, one that stays away always") {
  Bench bench;
  bench.network.Connect();
  const LogCapture log;
  for (int i = 0; i < 59; ++i) {  // 118 s
    bench.network.Lose();
    bench.clock.Advance(1s);
    bench.network.Connect();
    bench.loop.Advance(1s);
  }
  CHECK(log.Count("lost; trying again") == 2);
  CHECK(log.Count("(29 held back since this was last said)") == 1);
  CHECK(log.Count("connected to") == 2);
  // This time it does not come back: the loss is held back only as long as others are.
  bench.network.Lose();
  CHECK(log.Count("lost; trying again") == 2);
  bench.loop.Advance(62s);
  CHECK(log.Count("lost; trying again") == 3);
  bench.network.Connect();
  CHECK(log.Count("connected to") == 3);
}

TEST_CASE("leases are handed on as they come; a lost session says nothing of them") {
  Bench bench;
  bench.network.Connect();
  bench.Command(sparkplug::EncodeJourneys(std::vector<sparkplug::Lease>{{"mot-cua", 60}}, 1));
  REQUIRE(bench.leases.size() == 1);
  CHECK(bench.leases[0] == std::vector<sparkplug::Lease>{{"mot-cua", 60}});
  bench.network.Lose();
  bench.network.Connect();
  CHECK(bench.leases.size() == 1);
  bench.Command(sparkplug::EncodeRebirth(1));
  CHECK(bench.leases.size() == 1);
  bench.Command(sparkplug::EncodeJourneys({}, 1));
  REQUIRE(bench.leases.size() == 2);
  CHECK(bench.leases[1].empty());
}
