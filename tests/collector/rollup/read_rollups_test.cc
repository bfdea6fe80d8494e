#include <catch2/catch.hpp>

#include "collector/store/rollup/change.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/stretches.h"
#include "collector/store/rollup/summary.h"
#include "collector/store/store.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::store;

namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kBegin = 640 * kLongPieceMs;

// A store into which pieces are put as they come.
struct Fixture {
  haidang::testing::TempDir dir;
  std::unique_ptr<Store> store;
  std::optional<Database> db;

  Fixture() {
    StoreOptions options;
    options.path = dir / "telemetry.db";
    auto opened = Store::Open(options, [] { return uint64_t{1}; });
    REQUIRE(opened);
    store = std::move(*opened);
    REQUIRE(store->Put(MachineRow{1, "pc-1", "linux", "1", 15000, {}, 0}));
    REQUIRE(store->Commit());
    DatabaseOptions read_only;
    read_only.read_only = true;
    auto database = Database::Open(options.path, read_only);
    REQUIRE(database);
    db.emplace(std::move(*database));
  }

  // Every bucket of the piece has `value` once.
  void Put(RollupLevel level, int64_t begin_ms, int64_t length_ms, double value) {
    NumberRollup rollup;
    for (int64_t at = begin_ms; at < begin_ms + length_ms; at += BucketMs(level)) {
      rollup.begins_ms.push_back(at);
      rollup.count.push_back(1);
      for (auto* column :
           {&rollup.sum, &rollup.min, &rollup.max, &rollup.first, &rollup.last, &rollup.increase}) {
        column->push_back(value);
      }
    }
    PieceMaker maker({level, begin_ms, length_ms});
    maker.Add(7, rollup);
    RollupChange change;
    change.made.push_back({1, level, begin_ms, length_ms, maker.Finish()});
    REQUIRE(store->Put(change));
    REQUIRE(store->Commit());
  }
  RolledUp Read(RollupLevel level, int64_t from_ms, int64_t to_ms) {
    auto read = ReadRollups(*db, 1, level, from_ms, to_ms, {{7, 8}});
    REQUIRE(read);
    return std::move(*read);
  }
  void Due(int64_t window_ms) {
    BlockRow block;
    block.machine = 1;
    block.window_ms = window_ms;
    block.journal_id = 1;
    block.bytes = "x";
    REQUIRE(store->Put(block));
    REQUIRE(store->Commit());
  }
};

constexpr auto kFine = RollupLevel::kFiveMinutes;

}  // namespace

TEST_CASE("stretches are cut and joined") {
  std::vector<Stretch> stretches{{0, 10}, {20, 30}};
  CHECK(Cut(stretches, {5, 25}) == std::vector<Stretch>{{5, 10}, {20, 25}});
  CHECK(stretches == std::vector<Stretch>{{0, 5}, {25, 30}});
  CHECK(Cut(stretches, {5, 25}).empty());
  CHECK(Cut(stretches, {1, 2}) == std::vector<Stretch>{{1, 2}});
  CHECK(stretches == std::vector<Stretch>{{0, 1}, {2, 5}, {25, 30}});
  CHECK(Joined({{5, 9}, {0, 5}, {20, 30}, {25, 26}}) == std::vector<Stretch>{{0, 9}, {20, 30}});
}

TEST_CASE_METHOD(Fixture, "buckets that begin in the range are told, and their time is covered") {
  Put(kFine, kBegin, kWindowMs, 1);
  const RolledUp read = Read(kFine, kBegin + 1, kBegin + 600'001);
  REQUIRE(read.numbers.contains(7));
  CHECK_FALSE(read.numbers.contains(8));
  CHECK(read.numbers.at(7).begins_ms == std::vector<int64_t>{kBegin + 300'000, kBegin + 600'000});
  CHECK(read.covered == std::vector<Stretch>{{kBegin + 300'000, kBegin + 900'000}});
  CHECK(Read(kFine, kBegin, kBegin).covered.empty());
  CHECK(Read(kFine, kBegin + kWindowMs, kBegin + 2 * kWindowMs).covered.empty());
  CHECK(Read(RollupLevel::kHour, kBegin, kBegin + kWindowMs).covered.empty());
  const RolledUp all = Read(kFine, INT64_MIN, INT64_MAX);
  CHECK(all.covered == std::vector<Stretch>{{kBegin, kBegin + kWindowMs}});
  CHECK(all.numbers.at(7).begins_ms.size() == 24);
}

TEST_CASE_METHOD(Fixture, "a shorter piece stands in place of its part of a longer one") {
  Put(kFine, kBegin, kDayPieceMs, 1);
  Put(kFine, kBegin + 2 * kWindowMs, kWindowMs, 2);
  Put(kFine, kBegin + kDayPieceMs, kWindowMs, 3);
  const RolledUp read = Read(kFine, kBegin, kBegin + 2 * kDayPieceMs);
  CHECK(read.covered == std::vector<Stretch>{{kBegin, kBegin + kDayPieceMs + kWindowMs}});
  const NumberRollup& r = read.numbers.at(7);
  REQUIRE(r.begins_ms.size() == 288 + 24);
  for (size_t i = 0; i < r.begins_ms.size(); ++i) {
    CHECK(r.begins_ms[i] == kBegin + static_cast<int64_t>(i) * 300'000);
    CHECK(r.sum[i] == (i >= 288 ? 3 : i >= 48 && i < 72 ? 2 : 1));
  }
}

TEST_CASE_METHOD(Fixture, "hours are not covered while their five minutes are newer") {
  Put(RollupLevel::kHour, kBegin, kLongPieceMs, 1);
  Put(RollupLevel::kHour, kBegin + kDayPieceMs, kDayPieceMs, 2);
  RolledUp read = Read(RollupLevel::kHour, kBegin, kBegin + kLongPieceMs);
  CHECK(read.covered == std::vector<Stretch>{{kBegin, kBegin + kLongPieceMs}});
  CHECK(read.numbers.at(7).sum[23] == 1);
  CHECK(read.numbers.at(7).sum[24] == 2);
  CHECK(read.numbers.at(7).sum[47] == 2);
  CHECK(read.numbers.at(7).sum[48] == 1);
  Put(kFine, kBegin + kDayPieceMs, kWindowMs, 3);
  read = Read(RollupLevel::kHour, kBegin, kBegin + kLongPieceMs);
  CHECK(read.covered ==
        std::vector<Stretch>{{kBegin, kBegin + kDayPieceMs},
                             {kBegin + kDayPieceMs + kWindowMs, kBegin + kLongPieceMs}});
  CHECK(read.numbers.at(7).begins_ms.size() == 32 * 24 - 2);
}

TEST_CASE_METHOD(Fixture, "windows that are due are not covered") {
  Put(kFine, kBegin, kDayPieceMs, 1);
  Due(kBegin + kWindowMs);
  for (const int64_t from_ms : {kBegin, kBegin + kWindowMs, kBegin + kWindowMs + kHour}) {
    const RolledUp read = Read(kFine, from_ms, kBegin + kDayPieceMs);
    CHECK(read.covered.back() == Stretch{kBegin + 2 * kWindowMs, kBegin + kDayPieceMs});
    CHECK(read.covered.size() == (from_ms == kBegin ? 2 : 1));
  }
}

TEST_CASE_METHOD(Fixture,
                 "windows of which the journal has more, and those after, are not covered") {
  Put(kFine, kBegin, kDayPieceMs, 1);
  REQUIRE(store->Append({1, 1, 1, kBegin + kWindowMs + 5, 0, 0, 0, 0, "x"}));
  REQUIRE(store->Commit());
  const RolledUp read = Read(kFine, kBegin, kBegin + kDayPieceMs);
  CHECK(read.covered == std::vector<Stretch>{{kBegin, kBegin + kWindowMs},
                                             {kBegin + 3 * kWindowMs, kBegin + kDayPieceMs}});
  CHECK(Read(kFine, kBegin + 2 * kWindowMs + kHour, kBegin + 3 * kWindowMs).covered.empty());
}

TEST_CASE_METHOD(Fixture, "a damaged piece is an Error") {
  RollupChange change;
  change.made.push_back({1, kFine, kBegin, kWindowMs, "damaged"});
  REQUIRE(store->Put(change));
  REQUIRE(store->Commit());
  CHECK_FALSE(ReadRollups(*db, 1, kFine, kBegin, kBegin + kWindowMs, {{7}}));
  CHECK(ReadRollups(*db, 2, kFine, kBegin, kBegin + kWindowMs, {{7}}));
}
