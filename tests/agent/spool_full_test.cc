#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

TEST_CASE("while the disk is full the newest are kept in memory, and written once there is room") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  std::map<Key, std::string> expected;
  const auto append = [&](int i) {
    const StoredBatch batch = MustAppend(*spool, i);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  for (int i = 0; i < 5; ++i) append(i);
  {
    FileSizeLimit full(40000);
    for (int i = 5; i < 150; ++i) append(i);
    CHECK(Everything(*spool) == expected);
    CHECK(spool->dropped_batches() == 0);
    CHECK(spool->WaitingOf(1000, 149, 149)->size() == 1);
    CHECK(spool->NextBdSeq().ok());
  }
  append(150);
  CHECK(Everything(*spool) == expected);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(Everything(*spool) == expected);  // all of it on disk by then
  {
    FileSizeLimit full(1);
    for (int i = 0; i < 1000; ++i) {
      MustAppend(*spool, i);
      REQUIRE(spool->waiting_batches() <= expected.size() + 256);
    }
    CHECK(spool->dropped_batches() == 1000 - 256);
    const auto page = *spool->Waiting(1, std::nullopt, NothingFlies);
    CHECK(page[0].first == 1000);  // the newest stay
    REQUIRE(spool->Settle(Named(1001, 1000)).ok());
    CHECK(spool->waiting_batches() == expected.size());
  }
  CHECK(spool->Held()->back().reason == "full");
}

TEST_CASE("what a stop finds in memory alone is told, and written where there is room again") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  std::unique_ptr<Spool> spool;
  SECTION("a file that is full") {
    spool = OpenSpool({dir / "spool.db"}, clock, ids);
    MustAppend(*spool, 0);
  }
  SECTION("no file") {
    FileSizeLimit full(1);
    spool = OpenSpool({dir / "spool.db"}, clock, ids);
    MustAppend(*spool, 0);
  }
  const size_t before = std::filesystem::exists(dir / "spool.db-wal") ? 1 : 0;
  {
    FileSizeLimit full(1);
    for (int i = 1; i <= 3; ++i) MustAppend(*spool, i);
    const auto closed = spool->Close();
    REQUIRE_FALSE(closed.ok());
    const std::string count = std::to_string(4 - before) + " batches were in memory only";
    CHECK_THAT(closed.error().message, Catch::Contains(count) && Catch::Contains("gap ledger"));
    REQUIRE(spool->Settle(Named(spool->id(), 4)).ok());
    CHECK(spool->Close().ok() == (before == 0));  // nothing waits; but the file is not marked
  }
  MustAppend(*spool, 5);
  REQUIRE(spool->Close().ok());
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->waiting_batches() == 1);
}

TEST_CASE("what the collector has is settled though the disk is full") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 20; ++i) MustAppendBig(*spool);
  {
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal"));
    CHECK(spool->Settle(Named(1000, 15))->settled == 15);
    for (int i = 0; i < 10; ++i) MustAppendBig(*spool);
    CHECK(spool->waiting_batches() == 15);
    CHECK(spool->Settle(Named(1000, 25))->settled == 10);
    CHECK(spool->waiting_batches() == 5);
    const auto held = *spool->Held();
    CHECK(held[0].next == 31);
  }
  MustAppendBig(*spool);
  CopyFiles(options.path, dir / "copy.db");
  spool = OpenSpool({dir / "copy.db"}, clock, ids);
  CHECK(spool->waiting_batches() == 6);
  CHECK(Everything(*spool).rbegin()->first == Key{1000, 31});
}

TEST_CASE("what cannot be dropped is dropped later, and counted once") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  options.max_age = std::chrono::hours(1);
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 60; ++i) MustAppendBig(*spool);
  clock.Advance(2h);
  {
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal"));
    for (int i = 0; i < 3; ++i) MustAppendBig(*spool);
    CHECK(spool->dropped_batches() == 0);
    CHECK(spool->waiting_batches() == 63);
    CHECK((*spool->Held())[0].first == 1);
  }
  for (int i = 0; i < 3; ++i) MustAppendBig(*spool);
  CHECK(spool->dropped_batches() == 60);
  CHECK(Everything(*spool).size() == 6);
  CHECK((*spool->Held())[0].first == 61);
}

TEST_CASE("batches that are in memory alone are recorded anew after a roll-back") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 20; ++i) MustAppendBig(*spool);
  REQUIRE(spool->Settle(Named(1000, 20)).ok());
  {
    // Room for the small change of a new spool id, not for a batch of many pages.
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal") + 60000);
    sparkplug::Batch big;
    big.samples.emplace_back(uint64_t{40}, std::string(200000, 'y'));
    REQUIRE(spool->Append(std::move(big)).ok());
    REQUIRE(spool->Settle(Named(1000, 99)).ok());
    REQUIRE(spool->id() == 1001);
    CHECK(spool->next_number() == 2);
    CHECK(Everything(*spool).size() == 1);
    CHECK(Everything(*spool).contains({1001, 1}));
  }
  MustAppendBig(*spool);
  CHECK(Everything(*spool).size() == 2);
  CHECK(spool->Settle(Named(1001, 2))->settled == 2);
}

TEST_CASE("a full disk is said once and its end once, though acknowledgements empty the memory") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 0);
  REQUIRE(spool->Settle(Named(1000, 1)).ok());
  const LogCapture log;
  {
    FileSizeLimit full(1);
    for (uint64_t number = 2; number <= 101; ++number) {
      MustAppend(*spool, 1);
      REQUIRE(spool->Settle(Named(1000, number))->settled == 1);
      clock.Advance(15s);
    }
  }
  MustAppend(*spool, 2);
  MustAppend(*spool, 3);
  CHECK(log.Count("the newest batches are kept in memory") == 1);
  CHECK(log.Count("there is room again; 100 batches had to wait in memory") == 1);
  CHECK(log.Count("") == 2);
}

TEST_CASE("that bdSeq cannot be saved is said once, and once when it can be") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const LogCapture log;
  {
    FileSizeLimit full(1);
    for (int i = 0; i < 50; ++i) {
      CHECK(*spool->NextBdSeq() == i);
      clock.Advance(60s);
    }
  }
  CHECK(*spool->NextBdSeq() == 50);
  CHECK(log.Count("bdSeq was not saved: ") == 1);
  CHECK(log.Count("bdSeq is saved again; it was not 50 times") == 1);
  CHECK(log.Count("") == 2);
}

TEST_CASE("series and sources that are new while the disk is full have names, and keep them") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  std::vector<uint64_t> aliases;
  std::map<Key, std::string> expected;
  const auto name = [&](int i) {
    return *spool->AliasOf({"node_load1", {{"i", std::to_string(i)}}}, DataType::kDouble, 0);
  };
  const auto append = [&] {
    const StoredBatch batch = MustAppend(*spool, 7);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  {
    FileSizeLimit full(1);
    CHECK(*spool->GroupOf("loadavg") == 0);
    CHECK(*spool->GroupOf("cpu") == 1);
    for (int i = 0; i < 60; ++i) aliases.push_back(name(i));
    append();
    append();
    REQUIRE(spool->Series()->size() == 60);
    CHECK((*spool->Series())[59].alias == aliases[59]);
    REQUIRE(spool->Forget(aliases[59]).ok());
    aliases.pop_back();
    CHECK(name(0) == aliases[0]);
    CHECK(*spool->GroupOf("cpu") == 1);
  }
  append();
  CopyFiles(options.path, dir / "copy.db");  // as it is after kill -9
  spool = OpenSpool({dir / "copy.db"}, clock, ids);
  CHECK(Everything(*spool) == expected);
  CHECK(spool->Groups() == std::vector<std::string>{"loadavg", "cpu"});
  REQUIRE(spool->Series()->size() == 59);
  for (int i = 0; i < 59; ++i) CHECK(name(i) == aliases[static_cast<size_t>(i)]);
  CHECK(name(60) > aliases.back());
}
