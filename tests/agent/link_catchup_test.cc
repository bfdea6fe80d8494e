#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "tests/agent/link_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// Stores what it gets; says every five seconds what it has, and at once after a birth.
class Collector {
 public:
  explicit Collector(Bench& bench) : bench_(bench) {}

  void Listen() {
    bool born = false, fresh = false;
    for (const Seen& seen : bench_.Take()) {
      if (seen.type == "NBIRTH") {
        born = true;
        continue;
      }
      ++sent_[seen.key];
      ++sends;
      fresh = true;
    }
    if (bench_.network.up && (born || (fresh && silent_s_ >= 5))) {
      Answer();
      silent_s_ = 0;
    }
    ++silent_s_;
  }
  void Answer() {
    const auto held = *bench_.spool->Held();
    for (const auto& spool : held) {
      uint64_t cumulative = 0;
      while (sent_.contains({spool.spool_id, cumulative + 1})) ++cumulative;
      std::vector<sparkplug::NumberRange> ranges;
      for (auto at = sent_.upper_bound({spool.spool_id, cumulative});
           at != sent_.end() && at->first.first == spool.spool_id; ++at) {
        const uint64_t number = at->first.second;
        if (!ranges.empty() && ranges.back().last + 1 == number) {
          ranges.back().last = number;
        } else if (ranges.size() < sparkplug::kMaxCommittedRanges) {
          ranges.push_back({number, number});
        }
      }
      bench_.Commit(cumulative, ranges, spool.spool_id);
    }
  }

  size_t sends = 0;
  size_t stored() const { return sent_.size(); }

 private:
  Bench& bench_;
  std::map<Key, int> sent_;
  int silent_s_ = 0;
};

}  // namespace

TEST_CASE("a backlog of 72 h drains over links that live 5 to 15 minutes, hardly a batch twice") {
  for (const double rate : {2.0, 50.0, 500.0}) {
    CAPTURE(rate);
    Bench bench;
    size_t recorded = 0;
    const auto tick = [&] {
      bench.Tick();
      ++recorded;
    };
    for (int i = 0; i < 72 * 240; ++i) {
      bench.clock.Advance(15s);
      tick();
    }
    Collector collector(bench);
    std::mt19937 random(7);
    int sessions = 0;
    while (bench.spool->waiting_batches() > 9 && sessions < 100) {
      ++sessions;
      bench.network.Connect();
      const int lives = std::uniform_int_distribution<int>(300, 900)(random);
      for (int second = 0; second < lives; ++second) {
        collector.Listen();
        if (second == 1) bench.Command(sparkplug::EncodeBackfillRate(rate, 0));
        if (second % 15 == 7) tick();
        bench.loop.Advance(1s);
      }
      bench.network.sent.clear();  // what was on its way when the link broke
      bench.network.Lose();
      for (int i = 0; i < 8; ++i) {
        bench.loop.Advance(15s);
        tick();
      }
    }
    CHECK(sessions < 100);
    CHECK(bench.spool->waiting_batches() <= 9);
    CHECK(collector.stored() >= recorded - 9);
    CHECK(collector.sends <= collector.stored() * 12 / 10);
    CHECK(bench.link->stats().sent_batches <= recorded * 12 / 10);
  }
}

TEST_CASE("one machine's backlog drains at the rate that it was granted") {
  Bench bench;
  for (int i = 0; i < 24 * 240; ++i) {
    bench.clock.Advance(15s);
    bench.Tick();
  }
  const double rate = GENERATE(50.0, 200.0, 500.0);
  Collector collector(bench);
  bench.network.Connect();
  collector.Listen();
  bench.Command(sparkplug::EncodeBackfillRate(rate, 0));
  const size_t before = collector.stored();
  for (int second = 0; second < 10; ++second) {
    bench.loop.Advance(1s);
    collector.Listen();
  }
  const auto drained = static_cast<double>(collector.stored() - before);
  CHECK(drained >= rate * 9);
  CHECK(drained <= rate * 11 + 64);  // a pack may overdraw
}

TEST_CASE("each envelope of a backlog begins with a full batch") {
  Bench bench;
  for (int i = 0; i < 400; ++i) {
    bench.clock.Advance(15s);
    bench.Tick();
  }
  bench.network.Connect();
  bench.Take();
  bench.Commit(0);
  bench.loop.Advance(20s);
  size_t envelopes = 0, batches = 0;
  for (const MqttMessage& message : bench.network.sent) {
    sparkplug::BatchDecoder decoder;
    const auto data = decoder.Decode(message.payload);
    REQUIRE(data.ok());
    batches += data->batches.size();
    if (data->batches.size() == 1) continue;
    ++envelopes;
    CHECK(data->batches[0].header.full);
    CHECK(message.payload.size() < data->batches.size() * 50);
  }
  CHECK(envelopes >= 6);
  CHECK(batches >= 256);
}

TEST_CASE("a collector that says nothing is asked with one batch at a time") {
  Bench bench;
  bench.network.Connect();
  bench.Tick();
  bench.loop.Advance(3s);
  bench.Commit(1);
  bench.Take();
  // It stops for three hours; the broker goes on.
  size_t live = 0, again = 0;
  for (int i = 0; i < 720; ++i) {
    bench.Tick();
    bench.loop.Advance(15s);
    for (const Seen& seen : bench.Take()) ++(seen.historical ? again : live);
  }
  CHECK(live == 720);
  CHECK(again <= 720 / 10);
  bench.Commit(1);  // it is there again, and has nothing of it
  bench.loop.Advance(120s);
  std::set<Key> came;
  for (const Seen& seen : bench.Take()) came.insert(seen.key);
  CHECK(came.size() >= 256);
  for (int i = 0; i < 40; ++i) {
    std::vector<sparkplug::NumberRange> all;
    uint64_t highest = 0;
    for (const Key& key : came) highest = std::max(highest, key.second);
    uint64_t lowest = highest;
    while (came.contains({bench.spool->id(), lowest - 1})) --lowest;
    bench.Commit(1, {{lowest, highest}});
    bench.loop.Advance(20s);
    for (const Seen& seen : bench.Take()) came.insert(seen.key);
  }
  CHECK(came.size() == 720);
}

TEST_CASE("what a restored collector lacks is sent again at once") {
  Bench bench;
  for (int i = 0; i < 200; ++i) bench.Tick();
  bench.network.Connect();
  bench.Commit(200);
  bench.Tick();
  bench.loop.Advance(3s);
  bench.Commit(201);
  bench.Take();
  CHECK(bench.link->stats().waiting_batches == 0);
  bench.network.Lose();
  bench.network.Connect();
  const auto born = bench.Take();
  CHECK(born.at(0).birth.held.at(0).first == 1);
  bench.Commit(100);
  bench.loop.Advance(10s);
  std::set<uint64_t> came;
  for (const Seen& seen : bench.Take()) came.insert(seen.key.second);
  CHECK(came.size() >= 101);
  for (uint64_t number = 101; number <= 201; ++number) CHECK(came.contains(number));
}

TEST_CASE("the clock is measured by what was sent once and acknowledged") {
  Bench bench;
  CHECK_FALSE(bench.link->stats().clock.has_value());
  bench.clock.StepWall(49s);  // ahead of the collector
  bench.clock.Advance(10s);
  bench.network.Connect();
  const StoredBatch batch = bench.Tick();
  const int64_t collector_ms = bench.clock.WallMs() - 49'000;
  bench.loop.Advance(1200ms);
  sparkplug::Committed committed;
  committed.store_id = 5;
  committed.spool_id = batch.spool_id;
  committed.cumulative = committed.newest = batch.number;
  committed.received_ms = collector_ms + 100;
  committed.sent_ms = collector_ms + 1100;
  bench.Command(sparkplug::EncodeCommitted(committed));
  auto clock = bench.link->stats().clock;
  REQUIRE(clock.has_value());
  CHECK(clock->offset_seconds == Approx(49).margin(0.002));
  CHECK(clock->error_seconds == Approx(0.105).margin(0.006));
  bench.clock.StepWall(-24h);
  clock = bench.link->stats().clock;
  CHECK(clock->offset_seconds == Approx(49 - 86400).margin(0.002));
  const auto birth = bench.Take().at(0).birth;
  CHECK(birth.boot_id == 77);
  CHECK(birth.since_boot_ms == 3'610'000);
}
