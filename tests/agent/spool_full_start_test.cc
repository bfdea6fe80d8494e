#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

TEST_CASE("a disk that is full at the start lets the agent run from memory") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  FileSizeLimit full(1);
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  CHECK(*spool->AliasOf({"node_load1", {}}, DataType::kDouble, 0) == 32);
  CHECK(spool->Settle(Named(spool->id(), 1))->settled == 1);
}

TEST_CASE("a file on a disk that is full at the start is read, and written once there is room") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  REQUIRE(*spool->NextBdSeq() == 0);
  const SeriesId load{"node_load1", {}};
  const uint64_t alias = *spool->AliasOf(load, DataType::kDouble, 0);
  std::map<Key, std::string> expected;
  const auto append = [&] {
    const StoredBatch batch = MustAppend(*spool, 7);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  for (int i = 0; i < 3; ++i) append();
  SECTION("after a clean stop") { REQUIRE(spool->Close().ok()); }
  SECTION("after a crash") {}
  spool.reset();

  const LogCapture log;
  uint64_t id = 0;
  {
    FileSizeLimit full(1);
    spool = OpenSpool(options, clock, ids);
    id = spool->id();
    CHECK(id > 1000);
    CHECK(spool->waiting_batches() == 3);
    CHECK(*spool->AliasOf(load, DataType::kDouble, 0) == alias);
    CHECK(*spool->NextBdSeq() == 1);
    for (int i = 0; i < 20; ++i) append();
    CHECK(Everything(*spool) == expected);
    const auto held = *spool->Held();
    REQUIRE(held.size() == 2);
    CHECK(held[0].spool_id == 1000);
    CHECK(held[0].first == 1);
    CHECK(held[0].next == 4);
    CHECK(held[1].spool_id == id);
    CHECK(held[1].next == 21);
    REQUIRE(spool->Settle(Named(id, 20))->settled == 20);
    std::erase_if(expected, [&](const auto& entry) { return entry.first.first == id; });
  }
  append();
  append();
  CHECK(Everything(*spool) == expected);
  CHECK(log.Count("the newest batches are kept in memory") == 1);
  CHECK(log.Count("there is room again; 20 batches had to wait in memory") == 1);
  REQUIRE(spool->Close().ok());
  spool.reset();
  spool = OpenSpool(options, clock, ids);
  CHECK(spool->id() != id);
  CHECK(Everything(*spool) == expected);
  CHECK(*spool->NextBdSeq() == 2);
}

TEST_CASE("a start that was never written gives no number twice") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  MustAppend(*spool, 1);
  REQUIRE(spool->Close().ok());
  spool.reset();
  std::set<Key> given;
  {
    FileSizeLimit full(1);
    for (int start = 0; start < 3; ++start) {
      spool = OpenSpool(options, clock, ids);
      for (int i = 0; i < 5; ++i) {
        const StoredBatch batch = MustAppend(*spool, i);
        CHECK(given.emplace(batch.spool_id, batch.number).second);
      }
      if (start == 0) CHECK_FALSE(spool->Close().ok());
      spool.reset();
    }
  }
  spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 5; ++i) {
    const StoredBatch batch = MustAppend(*spool, i);
    CHECK(given.emplace(batch.spool_id, batch.number).second);
  }
  CHECK(spool->waiting_batches() == 6);
  const auto held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 1);
  CHECK(held[0].next == 2);
}

TEST_CASE("what was settled before the start could be written is not said of the next start") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 40; ++i) MustAppend(*spool, i);
  REQUIRE(spool->Close().ok());
  spool.reset();
  {
    FileSizeLimit full(1);
    spool = OpenSpool(options, clock, ids);
    for (int i = 0; i < 5; ++i) MustAppend(*spool, i);
    REQUIRE(spool->Settle(Named(spool->id(), 5))->settled == 5);
  }
  // Writes what is settled, and is killed before the next batch.
  REQUIRE(spool->GiveUpKept().ok());
  spool.reset();
  spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i);
  CHECK(spool->waiting_batches() == 45);
}

TEST_CASE("a roll-back that is met before the start could be written") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  REQUIRE(spool->Close().ok());
  spool.reset();
  {
    FileSizeLimit full(1);
    spool = OpenSpool(options, clock, ids);
    MustAppend(*spool, 7);
    CHECK_FALSE(spool->Settle(Named(1001, 99)).ok());
    CHECK(spool->id() == 1001);
  }
  CHECK(spool->Settle(Named(1001, 99))->settled == 0);
  CHECK(spool->id() != 1001);
  MustAppend(*spool, 8);
  const auto expected = Everything(*spool);
  REQUIRE(expected.size() == 2);
  CHECK(expected.contains(Key{spool->id(), 1}));
  CHECK(expected.contains(Key{spool->id(), 2}));
  REQUIRE(spool->Close().ok());
  spool.reset();
  spool = OpenSpool(options, clock, ids);
  CHECK(Everything(*spool) == expected);
}

TEST_CASE("what waits in memory goes into the first file as soon as there is room for one") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  const LogCapture log;
  std::unique_ptr<Spool> spool;
  std::map<Key, std::string> expected;
  uint64_t alias = 0;
  const SeriesId load{"node_load1", {}};
  const auto append = [&] {
    clock.Advance(31s);
    const StoredBatch batch = MustAppend(*spool, 7);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  {
    FileSizeLimit full(1);
    spool = OpenSpool(options, clock, ids);
    alias = *spool->AliasOf(load, DataType::kDouble, *spool->GroupOf("loadavg"));
    for (int i = 0; i < 20; ++i) append();
    CHECK(spool->id() == 1000);
  }
  append();
  CHECK(spool->id() == 1001);
  CHECK(Everything(*spool) == expected);
  append();
  REQUIRE(spool->Close().ok());
  spool.reset();
  CHECK(std::filesystem::status(options.path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  spool = OpenSpool(options, clock, ids);
  CHECK(Everything(*spool) == expected);
  CHECK(*spool->AliasOf(load, DataType::kDouble, 0) == alias);
  CHECK(log.Count("") == 2);
}
