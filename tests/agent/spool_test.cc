#include <catch2/catch.hpp>
#include <set>

#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

TEST_CASE("batches are numbered from 1, found again and settled by name") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1000);
  for (uint64_t i = 1; i <= 10; ++i) {
    CHECK(spool->next_number() == i);
    const StoredBatch batch = MustAppend(*spool, static_cast<double>(i));
    CHECK(batch.number == i);
    CHECK(batch.spool_id == 1000);
  }
  CHECK(spool->waiting_batches() == 10);
  CHECK(spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}}))->settled == 5);
  CHECK(spool->waiting_batches() == 5);
  CHECK(spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}}))->settled == 0);
  CHECK(spool->Settle(Named(4711, 10))->settled == 0);  // not ours
  std::set<uint64_t> numbers;
  for (const auto& [key, bytes] : Everything(*spool)) numbers.insert(key.second);
  CHECK(numbers == std::set<uint64_t>{3, 4, 7, 8, 10});
  auto held = *spool->Held();
  REQUIRE(held.size() == 1);
  CHECK(held[0].first == 1);  // kept, though settled
  CHECK(held[0].next == 11);
  CHECK(spool->Settle(Named(1000, 10))->settled == 5);
  CHECK(spool->waiting_bytes() == 0);
  CHECK((*spool->Held())[0].first == 1);
  CHECK(spool->oldest_rowid() == 1);
}

TEST_CASE("every start begins a new spool id, a clean one too") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 7; ++i) MustAppend(*spool, i);
  REQUIRE(spool->Settle(Named(1000, 5))->settled == 5);
  SECTION("clean") { REQUIRE(spool->Close().ok()); }
  SECTION("without Close") {}
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 1);
  MustAppend(*spool, 1);
  auto held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 1);
  CHECK(held[0].next == 8);
  CHECK(held[1].spool_id == 1001);
  CHECK(spool->Settle(Named(1000, 7)).ok());
  CHECK(spool->waiting_batches() == 1);
  CHECK(spool->Held()->size() == 2);  // kept
  REQUIRE(spool->GiveUpKept().ok());
  CHECK(spool->Settle(Named(1001, 1))->settled == 1);
  MustAppend(*spool, 2);
  held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].first == 8);  // nothing of it is held any more
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);  // 1002 never had a batch
  held = *spool->Held();
  REQUIRE(held.size() == 3);
  CHECK(held[1].spool_id == 1001);
  CHECK(held[2].spool_id == 1003);
}

TEST_CASE("what is settled is in the file with the next batch, and at a clean stop") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 10; ++i) MustAppend(*spool, i);
  REQUIRE(spool->Settle(Named(1000, 4, {{8, 8}}))->settled == 5);
  size_t waits = 10;  // the collector says it again, and nothing is lost
  SECTION("killed at once") {}
  SECTION("killed later") {
    MustAppend(*spool, 10);
    waits = 6;
  }
  SECTION("stopped") {
    REQUIRE(spool->Close().ok());
    waits = 5;
  }
  CopyFiles(dir / "spool.db", dir / "copy.db");
  spool = OpenSpool({dir / "copy.db"}, clock, ids);
  CHECK(spool->waiting_batches() == waits);
}

TEST_CASE("an alias means its series for ever") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const SeriesId disk{"node_filesystem_avail_bytes",
                      {{"device", "/dev/sda1"}, {"mountpoint", "/"}}};
  const SeriesId other{"node_filesystem_avail_bytes",
                       {{"device", "/dev/sda1/"}, {"mountpoint", ""}}};
  const uint32_t group = *spool->GroupOf("filesystem");
  const uint64_t alias = *spool->AliasOf(disk, DataType::kInt64, group);
  CHECK(alias == sparkplug::kFirstSeriesAlias);
  CHECK(*spool->AliasOf(disk, DataType::kInt64, group) == alias);
  CHECK(*spool->AliasOf(other, DataType::kInt64, group) == alias + 1);
  CHECK(*spool->AliasOf(disk, DataType::kDouble, group) == alias + 2);
  MustAppend(*spool, 1);  // what is new goes to the file with it
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->GroupOf("cpu") == group + 1);
  CHECK(*spool->GroupOf("filesystem") == group);
  CHECK(spool->Groups() == std::vector<std::string>{"filesystem", "cpu"});
  const auto known = *spool->Series();
  REQUIRE(known.size() == 3);
  CHECK(known[0].series == disk);
  CHECK(known[1].series == other);
  CHECK(known[2].datatype == DataType::kDouble);
  REQUIRE(spool->Forget(alias + 2).ok());
  CHECK(*spool->AliasOf(disk, DataType::kDouble, group) == alias + 3);  // never twice
  for (int i = 2; i < sparkplug::kMaxGroups; ++i)
    REQUIRE(spool->GroupOf("g" + std::to_string(i)).ok());
  CHECK_FALSE(spool->GroupOf("one too many").ok());
}

TEST_CASE("bdSeq counts over restarts and wraps") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->NextBdSeq() == 0);
  CHECK(*spool->NextBdSeq() == 1);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->NextBdSeq() == 2);
  for (int i = 3; i < 256; ++i) REQUIRE(*spool->NextBdSeq() == i);
  CHECK(*spool->NextBdSeq() == 0);
}

TEST_CASE("a directory that cannot be used is a clear error") {
  FakeClock clock;
  Ids ids;
  const auto spool = Spool::Open({"/no/such/directory/spool.db"}, clock, std::ref(ids));
  REQUIRE_FALSE(spool.ok());
  CHECK_THAT(spool.error().message, Catch::Contains("/no/such/directory/spool.db"));
  CHECK_THAT(spool.error().message, Catch::Contains("directory"));
}
