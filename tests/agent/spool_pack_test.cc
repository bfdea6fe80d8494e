#include <catch2/catch.hpp>

#include "agent/sqlite_spool.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// Runs of ten, as after each ten minutes; the last one is open.
std::map<Key, std::string> AppendRuns(Spool& spool, FakeClock& clock, int runs) {
  std::map<Key, std::string> all;
  for (int i = 0; i < runs * 10; ++i) {
    const StoredBatch batch = MustAppend(spool, i, i % 10 == 0);
    all[{batch.spool_id, batch.number}] = batch.encoded;
    clock.Advance(15s);
  }
  return all;
}

bool IsFull(const std::string& encoded) {
  sparkplug::BatchDecoder decoder;
  return decoder.Decode(encoded)->batches[0].header.full;
}

}  // namespace

TEST_CASE("a run becomes a pack when the next one begins, a full batch at its head") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const auto recorded = AppendRuns(*spool, clock, 4);
  const auto parcels = Parcels(*spool);
  REQUIRE(parcels.size() == 13);  // ten alone, newest first, then three packs
  for (size_t i = 0; i < 10; ++i) {
    CHECK_FALSE(parcels[i].packed);
    CHECK(parcels[i].first == 40 - i);
  }
  for (size_t i = 10; i < 13; ++i) {
    CHECK(parcels[i].packed);
    CHECK(parcels[i].batches() == 10);
    CHECK(parcels[i].first == 10 * (12 - i) + 1);
    CHECK(IsFull(BatchesOf(parcels[i]).begin()->second));
  }
  CHECK(Everything(*spool) == recorded);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(Everything(*spool) == recorded);
  MustAppend(*spool, 0);  // what the last start left alone is packed
  CHECK(Parcels(*spool).size() == 5);
}

TEST_CASE("a run that grows long asks for a full batch, and ends with or without it") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->wants_full());
  SECTION("many batches") {
    for (size_t i = 0; i < 3 * kMaxRunBatches; ++i) {
      CHECK(spool->wants_full() == (i % kMaxRunBatches == 0));
      REQUIRE(spool->Append(SomeBatch(1, spool->wants_full() && i < kMaxRunBatches)).ok());
    }
    const auto parcels = Parcels(*spool);
    REQUIRE(parcels.size() == kMaxRunBatches + 2);
    CHECK(parcels.back().batches() == kMaxRunBatches);
    CHECK(parcels[kMaxRunBatches].batches() == kMaxRunBatches);
  }
  SECTION("many bytes") {
    size_t full = 0;
    for (int i = 0; i < 200; ++i) {
      full += spool->wants_full();
      MustAppendBig(*spool);
    }
    CHECK(full == 200 / 32 + 1);
  }
  SECTION("a machine with very many series") {
    sparkplug::Batch batch;
    batch.samples.assign(5000, {40, 1.5});
    for (int i = 0; i < 3; ++i) {
      REQUIRE(spool->Append(batch).ok());
      CHECK_FALSE(spool->wants_full());
    }
    REQUIRE(spool->Append(batch).ok());
    CHECK(spool->wants_full());
  }
}

TEST_CASE("a pack goes whole where more than half of it waits, else its batches alone") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const auto recorded = AppendRuns(*spool, clock, 2);
  REQUIRE(spool->Settle(Named(1000, 4, {{11, 20}}))->settled == 14);
  auto parcels = Parcels(*spool);
  REQUIRE(parcels.size() == 1);
  CHECK(parcels[0].batches() == 10);
  REQUIRE(spool->Settle(Named(1000, 5, {{11, 20}}))->settled == 1);
  parcels = Parcels(*spool);
  REQUIRE(parcels.size() == 5);
  CHECK(parcels[0].first == 10);
  for (const Parcel& parcel : parcels) {
    CHECK(parcel.bytes == recorded.at({parcel.spool_id, parcel.first}));
  }
  parcels = *spool->WaitingOf(1000, 1, 8);
  REQUIRE(parcels.size() == 3);
  CHECK(parcels[2].first == 6);
  CHECK(spool->WaitingOf(1000, 11, 20)->empty());
  CHECK(spool->WaitingOf(1000, 0, 8)->empty());
  CHECK(spool->WaitingOf(1000, 99, 100)->empty());
  CHECK(spool->WaitingOf(4711, 1, 8)->empty());
}

TEST_CASE("what flies is left out") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  AppendRuns(*spool, clock, 3);
  const auto flying = [](uint64_t, uint64_t number) { return number % 10 > 3 && number > 10; };
  const auto parcels = *spool->Waiting(100, std::nullopt, flying);
  std::vector<std::pair<uint64_t, uint64_t>> sent;
  for (const Parcel& parcel : parcels) sent.emplace_back(parcel.first, parcel.last);
  CHECK(
      sent ==
      std::vector<std::pair<uint64_t, uint64_t>>{
          {30, 30}, {23, 23}, {22, 22}, {21, 21}, {20, 20}, {13, 13}, {12, 12}, {11, 11}, {1, 10}});
}

TEST_CASE("settled batches are kept for 48 hours, where there is room") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  AppendRuns(*spool, clock, 10);
  REQUIRE(spool->Settle(Named(1000, 100))->settled == 100);
  CHECK(spool->waiting_batches() == 0);
  CHECK(spool->waiting_bytes() == 0);
  CHECK(spool->held_bytes() > 0);
  auto held = *spool->Held();
  CHECK(held[0].first == 1);
  CHECK(held[0].reason.empty());
  const int64_t before = spool->held_bytes();
  SECTION("until they are old") {
    clock.Advance(47h);
    MustAppend(*spool, 1, true);
    CHECK((*spool->Held())[0].first == 1);
    clock.Advance(1h);
    for (int i = 0; i < 5; ++i) MustAppend(*spool, 1);
    CHECK((*spool->Held())[0].first == 101);
    CHECK(spool->held_bytes() < before / 2);
  }
  SECTION("until the room is needed") {
    REQUIRE(spool->Close().ok());
    spool.reset();
    options.max_bytes = before / 2;
    spool = OpenSpool(options, clock, ids);
    MustAppend(*spool, 1, true);
    CHECK(spool->held_bytes() <= options.max_bytes);
    CHECK((*spool->Held())[0].first > 1);
  }
  SECTION("until their aliases are needed") {
    MustAppend(*spool, 1);
    REQUIRE(spool->GiveUpKept().ok());
    CHECK(spool->oldest_rowid() == 101);
    CHECK(Everything(*spool).size() == 1);
  }
  held = *spool->Held();
  for (const auto& one : held) CHECK(one.reason.empty());
  CHECK(spool->dropped_batches() == 0);
}

TEST_CASE("a batch too large to be sent is refused, and costs no number") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  sparkplug::Batch huge;
  huge.samples.emplace_back(uint64_t{40}, std::string(5 << 20, 'x'));
  const auto stored = spool->Append(huge);
  REQUIRE_FALSE(stored.ok());
  CHECK_THAT(stored.error().message, Catch::Contains("can be sent at once"));
  CHECK(MustAppend(*spool, 1).number == 1);
}
