#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

// Random orders of append, settle, clean stop and crash, against a model.
TEST_CASE("property: what was appended and not settled is there, whatever happens") {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](size_t n) {
      return std::uniform_int_distribution<size_t>(0, n - 1)(random);
    };
    TempDir dir;
    FakeClock clock;
    Ids ids;
    int generation = 0;
    std::string path = dir / "spool-0.db";
    auto spool = OpenSpool({path}, clock, ids);
    std::map<Key, std::string> model;
    std::map<uint64_t, uint64_t> next{{spool->id(), 1}};
    for (int step = 0; step < 300; ++step) {
      clock.Advance(15s);
      const size_t what = below(100);
      if (what < 60) {
        const StoredBatch batch = MustAppend(*spool, static_cast<double>(step));
        REQUIRE(batch.number == next[batch.spool_id]++);
        REQUIRE(model.emplace(Key{batch.spool_id, batch.number}, batch.encoded).second);
      } else if (what < 90) {
        const auto id = std::next(next.begin(), static_cast<std::ptrdiff_t>(below(next.size())));
        const uint64_t given = id->second;
        sparkplug::Committed committed = Named(id->first, below(given));
        uint64_t at = committed.cumulative + 2;
        while (at < given && committed.ranges.size() < 32) {
          const uint64_t last = std::min(at + below(3), given - 1);
          committed.ranges.push_back({at, last});
          at = last + 2 + below(4);
        }
        const size_t before = model.size();
        std::erase_if(model, [&](const auto& entry) {
          if (entry.first.first != id->first) return false;
          const uint64_t number = entry.first.second;
          if (number <= committed.cumulative) return true;
          for (const auto& range : committed.ranges) {
            if (number >= range.first && number <= range.last) return true;
          }
          return false;
        });
        REQUIRE(*spool->Settle(committed) == before - model.size());
      } else if (what < 95) {
        REQUIRE(spool->Close().ok());
        const uint64_t id = spool->id();
        spool.reset();
        spool = OpenSpool({path}, clock, ids);
        REQUIRE(spool->id() == id);
        REQUIRE(spool->next_number() == next[id]);
      } else {
        const std::string copy = dir / ("spool-" + std::to_string(++generation) + ".db");
        CopyFiles(path, copy);
        path = copy;
        spool = OpenSpool({path}, clock, ids);
        REQUIRE(next.emplace(spool->id(), 1).second);
      }
      REQUIRE(spool->waiting_batches() == model.size());
    }
    REQUIRE(Everything(*spool) == model);
    const auto all_held = *spool->Held();
    for (const auto& held : all_held) {
      CHECK(held.next == next[held.spool_id]);
      uint64_t first = held.next;
      for (const auto& [key, bytes] : model) {
        if (key.first == held.spool_id) first = std::min(first, key.second);
      }
      CHECK(held.first == first);
    }
  }
}
