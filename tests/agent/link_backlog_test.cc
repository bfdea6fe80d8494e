#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <set>

#include "tests/agent/link_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

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
  REQUIRE(seen.size() == 101);
  CHECK(seen[0].key.second == 101);
  CHECK_FALSE(seen[0].historical);
  CHECK(seen[0].seq == 1);
  // Two runs, the newer one first; each is one message.
  for (size_t i = 1; i < 101; ++i) {
    CAPTURE(i);
    CHECK(seen[i].historical);
    CHECK(seen[i].packed);
    CHECK(seen[i].key.second == (i <= 36 ? 64 + i : i - 36));
    CHECK(seen[i].seq == (i <= 36 ? 2 : 3));
  }
  bench.loop.Advance(10s);
  CHECK(bench.Take().empty());
  bench.Commit(101);
  CHECK(bench.link->stats().waiting_batches == 0);
}

TEST_CASE("backlog keeps to the rate that the collector grants, for that session") {
  Bench bench;
  for (int i = 0; i < 2000; ++i) bench.Tick();
  bench.network.Connect();
  bench.Take();
  bench.Command(sparkplug::EncodeBackfillRate(5, 0));
  bench.Commit(0);
  bench.loop.Advance(40s);  // a pack overdraws, and is paid for afterwards
  const size_t first = bench.Take().size();
  CHECK(first >= 200);
  CHECK(first <= 200 + 64 + 5);
  bench.Command(sparkplug::EncodeBackfillRate(0, 0));
  bench.loop.Advance(20s);
  CHECK(bench.Take().empty());
  bench.Command(sparkplug::EncodeBackfillRate(100, 0));
  bench.loop.Advance(2s);
  CHECK(bench.Take().size() <= 256);
  bench.network.Lose();
  bench.network.Connect();
  bench.Take();
  bench.Commit(0);
  bench.loop.Advance(4s);  // at 50 until it is granted another rate
  const size_t second = bench.Take().size();
  CHECK(second >= 130);
  CHECK(second <= 256 + 64);
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
  bench.loop.Advance(1h);
  CHECK(bench.Take().empty());
  CHECK(bench.loop.timers() == 0);  // an idle link sleeps
}

TEST_CASE("what a later one has overtaken was lost, and goes again at once, but once only") {
  Bench bench;
  bench.network.Connect();
  bench.Tick();  // makes the birth
  bench.loop.Advance(3s);
  bench.Commit(1);
  bench.Tick();
  bench.loop.Advance(10s);
  bench.Take();
  const StoredBatch third = bench.Tick();
  bench.loop.Advance(1s);
  bench.Take();
  sparkplug::Committed committed;
  committed.store_id = 5;
  committed.spool_id = third.spool_id;
  committed.cumulative = 1;
  committed.ranges = {{3, 3}};
  bench.Command(sparkplug::EncodeCommitted(committed));
  bench.loop.Advance(5s);
  CHECK(bench.Take().empty());  // nobody says what came last

  bench.Tick();
  bench.loop.Advance(1s);
  bench.Take();
  committed.ranges = {{3, 4}};
  committed.newest = 4;
  bench.Command(sparkplug::EncodeCommitted(committed));
  bench.loop.Advance(1s);
  auto seen = bench.Take();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].key.second == 2);
  CHECK(seen[0].historical);

  bench.Tick();
  bench.loop.Advance(1s);
  bench.Take();
  committed.ranges = {{3, 5}};
  committed.newest = 5;
  bench.Command(sparkplug::EncodeCommitted(committed));
  bench.loop.Advance(20s);
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
