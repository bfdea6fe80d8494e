#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/io/database.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

// Spool ids of which nothing is held any more.

namespace {

constexpr int64_t kNow = 1767600000000;
constexpr int64_t kDay = 24LL * 3600 * 1000;

// The collector has 1 to `last` of a spool id, and says so at its time `at_ms`.
sparkplug::Committed Told(uint64_t spool_id, uint64_t last, int64_t at_ms = kNow) {
  sparkplug::Committed committed = Named(spool_id, last);
  committed.sent_ms = at_ms;
  return committed;
}

std::vector<sparkplug::HeldSpool> EndedOf(Spool& spool) {
  std::vector<sparkplug::HeldSpool> ended = *spool.Held();
  std::erase_if(ended, [](const auto& held) { return held.ended_ms == 0; });
  return ended;
}

struct Fixture {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  std::unique_ptr<Spool> spool = OpenSpool(options, clock, ids);

  void Restart() {
    REQUIRE(spool->Close().ok());
    spool.reset();
    spool = OpenSpool(options, clock, ids);
  }
  // Ends the current spool id with so many batches, all settled and none kept.
  void End(int batches, int64_t at_ms = kNow) {
    const uint64_t id = spool->id();
    for (int i = 0; i < batches; ++i) MustAppend(*spool, i, i == 0);
    const uint64_t last = spool->next_number() - 1;
    Restart();
    REQUIRE(spool->Settle(Told(id, last, at_ms)).ok());
    MustAppend(*spool, 1, true);
    REQUIRE(spool->GiveUpKept().ok());
    MustAppend(*spool, 2);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a spool id that ended is named for a while, over starts") {
  End(7);
  auto ended = EndedOf(*spool);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].spool_id == 1000);
  CHECK(ended[0].first == 8);
  CHECK(ended[0].next == 8);
  CHECK(ended[0].reason.empty());
  CHECK(ended[0].ended_ms == kNow);
  CHECK(spool->Report()->spools.size() == 1);  // nothing of it is held
  Restart();
  CHECK(EndedOf(*spool).size() == 1);
  REQUIRE(spool->Settle(Told(spool->id(), 0, kNow + 14 * kDay)).ok());
  MustAppend(*spool, 1);
  CHECK(EndedOf(*spool).size() == 1);
  REQUIRE(spool->Settle(Told(spool->id(), 1, kNow + 14 * kDay + 1)).ok());
  MustAppend(*spool, 1);
  CHECK(EndedOf(*spool).empty());
  Restart();
  CHECK(EndedOf(*spool).empty());
}

TEST_CASE_METHOD(Fixture, "no spool id ends before the collector told its time") {
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i, i == 0);
  REQUIRE(spool->Settle(Told(1000, 5)).ok());
  MustAppend(*spool, 5);
  REQUIRE(spool->Settle(Told(1000, 6)).ok());
  Restart();
  MustAppend(*spool, 1, true);
  REQUIRE(spool->GiveUpKept().ok());
  MustAppend(*spool, 2);
  REQUIRE(spool->Held()->size() == 2);
  CHECK((*spool->Held())[0].first == 7);  // it is named all the same
  CHECK((*spool->Held())[0].ended_ms == 0);
  Restart();
  REQUIRE(spool->Settle(Told(1001, 2)).ok());
  MustAppend(*spool, 3);
  REQUIRE(EndedOf(*spool).size() == 1);
  CHECK(EndedOf(*spool)[0].spool_id == 1000);
}

TEST_CASE_METHOD(Fixture, "a start that recorded nothing is not told") {
  Restart();
  Restart();
  REQUIRE(spool->Settle(Told(1002, 0)).ok());
  MustAppend(*spool, 1);
  CHECK(spool->Held()->size() == 1);
}

TEST_CASE_METHOD(Fixture, "what is given up is told as such until the collector knows it") {
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i, i == 0);
  REQUIRE(spool->Settle(Told(1000, 3)).ok());
  Restart();
  options.max_bytes = 300;
  Restart();
  for (int i = 0; i < 20; ++i) MustAppend(*spool, i);
  auto held = *spool->Held();
  REQUIRE(held.size() >= 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 6);
  CHECK(held[0].reason == "full");
  CHECK(held[0].ended_ms == 0);
  REQUIRE(spool->Settle(Told(1000, 5)).ok());
  MustAppend(*spool, 1);
  REQUIRE(EndedOf(*spool).size() == 1);
  CHECK(EndedOf(*spool)[0].next == 6);
}

TEST_CASE_METHOD(Fixture, "of many that ended the newest are named, all others never again") {
  for (int i = 0; i < 300; ++i) End(1, kNow + i);
  auto ended = EndedOf(*spool);
  REQUIRE(ended.size() == 256);
  CHECK(ended.front().ended_ms == kNow + 44);
  CHECK(ended.back().ended_ms == kNow + 299);
}

TEST_CASE_METHOD(Fixture, "ended spool ids give way to those that are held") {
  for (int i = 0; i < 3; ++i) End(1, kNow + i);
  for (int i = 0; i < 1023; ++i) {
    MustAppend(*spool, i, true);
    spool.reset();
    spool = OpenSpool(options, clock, ids);
  }
  const auto held = *spool->Held();
  CHECK(held.size() >= 1024);
  CHECK(EndedOf(*spool).empty());
}

TEST_CASE_METHOD(Fixture, "what ended goes on in a new file after damage, with what was kept") {
  End(3);
  const uint64_t kept = spool->id();
  MustAppend(*spool, 9);
  Restart();
  REQUIRE(spool->Settle(Told(kept, 3)).ok());
  for (int i = 0; i < 500; ++i) MustAppendBig(*spool);
  for (const char* suffix : {"", "-wal"}) {
    if (!std::filesystem::exists(options.path + suffix)) continue;
    std::fstream file(options.path + suffix, std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(std::filesystem::file_size(options.path + suffix), 'Z');
  }
  const uint64_t before = spool->id();
  CHECK_FALSE(spool->Waiting(500, std::nullopt, NothingFlies).ok());
  REQUIRE(spool->id() != before);
  const auto ended = EndedOf(*spool);
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].spool_id == 1000);
  CHECK(ended[1].spool_id == kept);
  CHECK(ended[1].next == 4);
}

TEST_CASE_METHOD(Fixture, "a machine that was rolled back tells nothing of what it never knew") {
  for (int i = 0; i < 10; ++i) MustAppend(*spool, i, i == 0);
  REQUIRE(spool->Settle(Told(1000, 6)).ok());
  sparkplug::Committed another = Told(1000, 40);
  REQUIRE(spool->Settle(another).ok());  // numbers that were never given here
  REQUIRE(spool->id() == 1001);
  MustAppend(*spool, 1);
  const auto ended = EndedOf(*spool);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].spool_id == 1000);
  CHECK(ended[0].next == 7);  // 7 to 10 are under the new spool id
}

TEST_CASE_METHOD(Fixture, "a file of a program that knew nothing of it names nobody that is gone") {
  End(3);
  spool.reset();
  {
    auto db = Database::Open(options.path, {});
    REQUIRE(db.ok());
    REQUIRE(db->Exec("DROP TABLE ended").ok());
  }
  spool = OpenSpool(options, clock, ids);
  CHECK(EndedOf(*spool).empty());
  End(2, kNow + 5);
  CHECK_FALSE(EndedOf(*spool).empty());
}
