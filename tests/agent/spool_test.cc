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
  CHECK(*spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}})) == 5);
  CHECK(spool->waiting_batches() == 5);
  CHECK(*spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}})) == 0);
  CHECK(*spool->Settle(Named(4711, 10)) == 0);  // not ours
  std::set<uint64_t> numbers;
  for (const auto& [key, bytes] : Everything(*spool)) numbers.insert(key.second);
  CHECK(numbers == std::set<uint64_t>{3, 4, 7, 8, 10});
  CHECK((*spool->Find(1000, 7)).has_value());
  CHECK_FALSE((*spool->Find(1000, 5)).has_value());
  CHECK_FALSE((*spool->Find(1000, 11)).has_value());
  CHECK_FALSE((*spool->Find(1001, 7)).has_value());
  CHECK_FALSE((*spool->Find(1000, 0)).has_value());
  const auto held = spool->Held();
  REQUIRE(held->size() == 1);
  CHECK((*held)[0].first == 3);
  CHECK((*held)[0].next == 11);
  CHECK(*spool->Settle(Named(1000, 10)) == 5);
  CHECK(spool->waiting_bytes() == 0);
  CHECK((*spool->Held())[0].first == 11);
  CHECK_FALSE(spool->oldest_rowid().has_value());
}

TEST_CASE("a clean stop keeps the spool id and the numbers, anything else begins a new one") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i);
  CHECK(*spool->Settle(Named(1000, 5)) == 5);
  REQUIRE(spool->Close().ok());
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1000);
  CHECK(spool->next_number() == 6);
  MustAppend(*spool, 6);
  MustAppend(*spool, 7);
  CHECK(*spool->Settle(Named(1000, 5, {{7, 7}})) == 1);

  spool.reset();  // without Close
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 1);
  MustAppend(*spool, 1);
  const auto held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 6);
  CHECK(held[0].next == 8);  // 7 is settled, and still was given
  CHECK(held[1].spool_id == 1001);
  CHECK(*spool->Settle(Named(1000, 7)) == 1);
  CHECK(spool->Held()->size() == 1);  // of no interest any more
  CHECK(spool->waiting_batches() == 1);
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

TEST_CASE("the oldest go when the spool is full or they are too old, counted and told") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  SECTION("size") {
    options.max_bytes = 5000;
    auto spool = OpenSpool(options, clock, ids);
    for (int i = 0; i < 200; ++i) {
      MustAppend(*spool, i);
      REQUIRE(spool->waiting_bytes() <= 5000);
    }
    CHECK(spool->waiting_batches() + spool->dropped_batches() == 200);
    CHECK(spool->dropped_batches() > 100);
    const auto held = *spool->Held();
    CHECK(held[0].first == spool->dropped_batches() + 1);
    CHECK(held[0].next == 201);
    CHECK(held[0].reason == "full");
    const uint64_t dropped = spool->dropped_batches();
    spool.reset();
    spool = OpenSpool(options, clock, ids);
    CHECK((*spool->Held())[0].reason == "full");
    CHECK((*spool->Held())[0].first == dropped + 1);
  }
  SECTION("age, whatever the wall clock does") {
    options.max_age = std::chrono::hours(1);
    auto spool = OpenSpool(options, clock, ids);
    for (int i = 0; i < 240; ++i) {
      MustAppend(*spool, i);
      clock.Advance(15s);
    }
    clock.StepWall(std::chrono::hours(24 * 365));
    MustAppend(*spool, 0);
    CHECK(spool->dropped_batches() == 0);
    clock.Advance(30min);
    MustAppend(*spool, 0);
    CHECK(spool->dropped_batches() == 120);
    CHECK((*spool->Held())[0].reason == "age");
    REQUIRE(spool->Close().ok());
    spool.reset();
    clock.Advance(std::chrono::hours(100));  // switched off: nothing ages
    spool = OpenSpool(options, clock, ids);
    MustAppend(*spool, 0);
    CHECK(spool->waiting_batches() == 123);
  }
}

TEST_CASE("a bound that was lowered is reached in steps, none of them long") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 1500; ++i) MustAppend(*spool, i);
  REQUIRE(spool->Close().ok());
  spool.reset();
  options.max_bytes = 1000;
  spool = OpenSpool(options, clock, ids);
  for (int i = 1; i <= 2; ++i) {
    MustAppend(*spool, i);
    CHECK(spool->dropped_batches() == static_cast<uint64_t>(i) * 512);
  }
  MustAppend(*spool, 3);
  CHECK(spool->waiting_bytes() <= 1000);
  CHECK(spool->dropped_batches() + spool->waiting_batches() == 1503);
  CHECK(Everything(*spool).size() == spool->waiting_batches());
}

TEST_CASE("a mark that we never gave means a rolled-back file") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  CHECK(*spool->Settle(Named(1000, 2)) == 0);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 1);
  CHECK(MustAppend(*spool, 2).spool_id == 1001);
  CHECK(spool->waiting_batches() == 2);
  CHECK(*spool->Settle(Named(1001, 1)) == 1);
}

TEST_CASE("a directory that cannot be used is a clear error") {
  FakeClock clock;
  Ids ids;
  const auto spool = Spool::Open({"/no/such/directory/spool.db"}, clock, std::ref(ids));
  REQUIRE_FALSE(spool.ok());
  CHECK_THAT(spool.error().message, Catch::Contains("/no/such/directory/spool.db"));
  CHECK_THAT(spool.error().message, Catch::Contains("directory"));
}
