#include "collector/store/block/block.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "collector/store/rows.h"
#include "core/histogram.h"

using namespace haidang;
using namespace haidang::store;
using sparkplug::WireValue;
using Kind = WireValue::Kind;

namespace {

// A value of its own, and whether it is the same as another.
struct Kept {
  Kind kind = Kind::kNull;
  uint64_t bits = 0;
  std::string text;
  bool operator==(const Kept&) const = default;
  WireValue wire() const { return {kind, bits, text}; }
};

struct Batch {
  TickRow row;
  std::map<ColumnKey, Kept> stated;
  bool operator==(const Batch&) const = default;
};

Kept Number(double value) { return {Kind::kDouble, std::bit_cast<uint64_t>(value), {}}; }

std::string HistogramOf(std::initializer_list<double> values) {
  Histogram histogram;
  for (const double value : values) histogram.Observe(value);
  return histogram.Encode();
}

std::string Make(const std::vector<Batch>& batches, const std::string& before = {}) {
  BlockMaker maker;
  if (!before.empty()) {
    const auto block = Block::Open(before);
    REQUIRE(block.ok());
    REQUIRE(maker.Add(*block));
  }
  for (const Batch& batch : batches) {
    maker.Add(batch.row);
    for (const auto& [key, value] : batch.stated) {
      const auto column = maker.ColumnOf(key);
      REQUIRE(column);
      maker.State(*column, value.wire());
    }
  }
  return maker.Finish();
}

std::vector<Batch> Read(const std::string& bytes) {
  const auto block = Block::Open(bytes);
  if (!block) FAIL(block.error().message);
  std::vector<Batch> batches;
  for (const TickRow& row : block->rows()) batches.push_back({row, {}});
  std::vector<StatedValues> all;  // which moves them as it grows
  for (const Block::Column& column : block->columns()) {
    const auto done = block->Read(column, all.emplace_back());
    if (!done) FAIL(done.error().message);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const Block::Column& column = block->columns()[i];
    for (const Stated& statement : all[i].rows()) {
      const WireValue& value = statement.value;
      batches[statement.tick].stated[column.key] = {value.kind, value.bits,
                                                    std::string(value.view)};
    }
  }
  return batches;
}

std::vector<Batch> Sorted(std::vector<Batch> batches) {
  std::sort(batches.begin(), batches.end(),
            [](const Batch& a, const Batch& b) { return Before(a.row, b.row); });
  return batches;
}

// Batches as no machine sends them: any order, several spools, series that come and go.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {
    const DataType types[] = {DataType::kDouble,  DataType::kInt64,  DataType::kUInt64,
                              DataType::kBoolean, DataType::kString, DataType::kBytes};
    for (uint64_t i = 0, count = 1 + random_() % 8; i < count; ++i) {
      keys_.push_back({static_cast<int64_t>(random_() >> (random_() % 64)),
                       static_cast<uint8_t>(random_() % 64), types[random_() % std::size(types)]});
    }
    calm_ = random_() % 2 == 0;
  }

  std::vector<Batch> Batches() {
    std::vector<Batch> batches(1 + random_() % 60);
    uint64_t number = random_() % 1000;
    for (Batch& batch : batches) {
      batch.row.spool = static_cast<int64_t>(1 + random_() % 2);
      batch.row.number = ++number;
      batch.row.time_ms = 1'700'000'000'000 + static_cast<int64_t>(number) * 15'000 + Noise();
      batch.row.received_ms = batch.row.time_ms + Noise();
      batch.row.offset_ms = random_() % 9 == 0 ? Noise() : 0;
      batch.row.flags = static_cast<int64_t>(random_() % (calm_ ? 2 : 4));
      batch.row.groups = random_();
      for (const ColumnKey& key : keys_) {
        if (random_() % 3 != 0) batch.stated[key] = ValueOf(key.datatype);
      }
    }
    std::shuffle(batches.begin(), batches.end(), random_);
    return batches;
  }

 private:
  int64_t Noise() { return static_cast<int64_t>(random_() % 20'000) - 10'000; }
  Kept ValueOf(DataType datatype) {
    if (random_() % 10 == 0) return {};
    const uint64_t some = calm_ ? random_() % 3 : random_() >> (random_() % 64);
    switch (datatype) {
      case DataType::kInt64:
      case DataType::kUInt64:
        return {Kind::kInt, some, {}};
      case DataType::kBoolean:
        return {Kind::kBoolean, some & 1, {}};
      case DataType::kString:
        return {Kind::kText, 0, std::string(some % 5, 'a')};
      case DataType::kBytes:
        if (random_() % 50 == 0) return {Kind::kBytes, 0, "no histogram"};
        return {Kind::kBytes, 0, HistogramOf({0.1, 0.2, static_cast<double>(some % 7)})};
      default:
        return random_() % 2 == 0 ? Number(static_cast<double>(some % 1000) / 10)
                                  : Kept{Kind::kDouble, some, {}};
    }
  }

  std::mt19937_64 random_;
  std::vector<ColumnKey> keys_;
  bool calm_ = false;
};

TickRow At(int64_t i, bool full) {
  return {.time_ms = 1'700'000'000'000 + i * 15'000,
          .offset_ms = 0,
          .received_ms = 1'700'000'000'050 + i * 15'000,
          .spool = 1,
          .number = static_cast<uint64_t>(i) + 1,
          .flags = full ? kFlagFull : 0,
          .groups = 1};
}

}  // namespace

TEST_CASE("a block gives back what its batches said, in order of time") {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    const auto batches = Generator(seed).Batches();
    CHECK(Read(Make(batches)) == Sorted(batches));
  }
}

TEST_CASE("late batches make the block that they had made in time") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    const auto batches = Generator(seed).Batches();
    const auto middle = batches.begin() + static_cast<ptrdiff_t>(batches.size() / 2);
    const std::string first = Make({batches.begin(), middle});
    const std::string both = Make({middle, batches.end()}, first);
    CHECK(both == Make(batches));
  }
}

TEST_CASE("what full batches state again costs nothing, what they leave out is told") {
  const ColumnKey constant{1, 0, DataType::kDouble};
  const ColumnKey gone{2, 0, DataType::kDouble};
  std::vector<Batch> batches;
  for (int64_t i = 0; i < 480; ++i) {
    const bool full = i % 40 == 0;
    batches.push_back({At(i, full), {}});
    if (full) batches.back().stated[constant] = Number(5);
    if (full && i < 200) batches.back().stated[gone] = Number(7);
  }
  const std::string bytes = Make(batches);
  CHECK(Read(bytes) == batches);
  const auto block = Block::Open(bytes);
  REQUIRE(block.ok());
  CHECK(block->columns()[0].bytes.size() < 16);
  CHECK(block->columns()[1].bytes.size() < 20);
}

TEST_CASE("integers beyond what a double holds are exact") {
  const ColumnKey counter{1, 3, DataType::kUInt64};
  const ColumnKey signed_one{2, 3, DataType::kInt64};
  std::vector<Batch> batches;
  for (int64_t i = 0; i < 20; ++i) {
    batches.push_back({At(i, false), {}});
    batches.back().stated[counter] = {Kind::kInt, UINT64_MAX - static_cast<uint64_t>(20 - i), {}};
    batches.back().stated[signed_one] = {Kind::kInt, static_cast<uint64_t>(INT64_MIN + i), {}};
  }
  CHECK(Read(Make(batches)) == batches);
}

TEST_CASE("a value that does not fit its datatype is null, a second one in a batch is not taken") {
  BlockMaker maker;
  maker.Add(At(0, false));
  const auto number = maker.ColumnOf({1, 0, DataType::kDouble});
  const auto text = maker.ColumnOf({2, 0, DataType::kString});
  REQUIRE(number);
  REQUIRE(text);
  maker.State(*number, {Kind::kText, 0, "5"});
  maker.State(*number, Number(5).wire());
  maker.State(*text, {Kind::kText, 0, "\xff"});
  const auto batches = Read(maker.Finish());
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].stated.at({1, 0, DataType::kDouble}) == Kept{});
  CHECK(batches[0].stated.at({2, 0, DataType::kString}) == Kept{});
}

TEST_CASE("an empty maker makes nothing") { CHECK(BlockMaker().Finish().empty()); }

TEST_CASE("damaged blocks are refused, or are blocks") {
  std::mt19937_64 random(3);
  CHECK_FALSE(Block::Open("").ok());
  CHECK_FALSE(Block::Open("\x02").ok());
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string whole = Make(Generator(seed).Batches());
    for (int round = 0; round < 20; ++round) {
      std::string bytes = whole;
      for (uint64_t n = random() % 4; n > 0; --n) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      if (random() % 2 == 0) bytes.resize(random() % bytes.size());
      const auto block = Block::Open(bytes);
      if (!block) continue;
      StatedValues statements;
      for (const Block::Column& column : block->columns()) {
        if (!block->Read(column, statements)) continue;
        CHECK(statements.rows().size() <= block->rows().size());
      }
    }
  }
}
