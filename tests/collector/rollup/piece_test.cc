#include "collector/store/rollup/piece.h"

#include <bit>
#include <catch2/catch.hpp>
#include <limits>
#include <random>

#include "collector/store/rollup/summary.h"

using namespace haidang;
using namespace haidang::store;

namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kBegin = 20'000 * kDay;
const PieceGrid kGrid{RollupLevel::kFiveMinutes, kBegin, kDay};

NumberRollup Random(std::mt19937_64& random, int kind) {
  NumberSummer summer(kBegin, kind == 2);
  double value = 100;
  for (int64_t time_ms = kBegin; time_ms < kBegin + kDay; time_ms += 15'000) {
    if (random() % 400 == 0) time_ms += 900'000;
    if (time_ms >= kBegin + kDay) break;
    const double step = static_cast<double>(random() % 200) / 100;
    if (kind == 1) value = 50 + step;
    if (kind == 2) value = random() % 3000 == 0 ? 0 : value + step;
    if (kind == 3) value = std::bit_cast<double>(random() >> 2);
    summer.See(time_ms, value);
  }
  return summer.rollup();
}

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
  });
}

bool Same(const NumberRollup& a, const NumberRollup& b) {
  return a.begins_ms == b.begins_ms && SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         SameBits(a.min, b.min) && SameBits(a.max, b.max) && SameBits(a.first, b.first) &&
         SameBits(a.last, b.last) && SameBits(a.increase, b.increase);
}

HistogramRollup SomeHistograms(std::mt19937_64& random) {
  HistogramSummer summer(kBegin);
  Histogram histogram;
  for (int64_t time_ms = kBegin; time_ms < kBegin + kDay; time_ms += 60'000) {
    if (random() % 3 == 0) histogram.Observe(static_cast<double>(random() % 1000) / 500);
    summer.See(time_ms, histogram.Encode());
  }
  return summer.Take();
}

std::string Make(uint64_t seed) {
  std::mt19937_64 random(seed);
  PieceMaker maker(kGrid);
  for (int64_t series = 1; series <= 8; ++series) {
    maker.Add(series * 1000, Random(random, static_cast<int>(series % 4)));
  }
  maker.Add(9000, SomeHistograms(random));
  return maker.Finish();
}

}  // namespace

TEST_CASE("what goes into a piece comes out of it, bit by bit") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const std::string bytes = Make(seed);
    CHECK(bytes == Make(seed));
    auto piece = Piece::Open(kGrid, bytes);
    REQUIRE(piece);
    REQUIRE(piece->entries().size() == 9);
    std::mt19937_64 random(seed);
    for (size_t i = 0; i < 8; ++i) {
      const Piece::Entry& entry = piece->entries()[i];
      CHECK(entry.series == static_cast<int64_t>(i + 1) * 1000);
      auto read = piece->ReadNumber(entry);
      REQUIRE(read);
      CHECK(Same(*read, Random(random, static_cast<int>((i + 1) % 4))));
    }
    auto histograms = piece->ReadHistogram(piece->entries()[8]);
    REQUIRE(histograms);
    const HistogramRollup expected = SomeHistograms(random);
    CHECK(histograms->begins_ms == expected.begins_ms);
    CHECK(histograms->increase == expected.increase);
  }
}

TEST_CASE("what does not change costs next to nothing") {
  NumberSummer summer(kBegin, false), counter(kBegin, true);
  for (int64_t time_ms = kBegin; time_ms < kBegin + kDay; time_ms += 15'000) {
    summer.See(time_ms, 0.37);
    counter.See(time_ms, 12345);
  }
  PieceMaker maker(kGrid);
  for (int64_t series = 1; series <= 100; ++series) {
    maker.Add(series, series % 2 == 0 ? summer.rollup() : counter.rollup());
  }
  CHECK(maker.Finish().size() < 100 * 25);
}

TEST_CASE("a piece without any series is a piece") {
  const std::string bytes = PieceMaker(kGrid).Finish();
  auto piece = Piece::Open(kGrid, bytes);
  REQUIRE(piece);
  CHECK(piece->entries().empty());
  PieceMaker maker(kGrid);
  maker.Add(1, NumberRollup{});
  maker.Add(2, HistogramRollup{});
  CHECK(maker.Finish() == bytes);
}

TEST_CASE("a series may have been a number and a histogram") {
  std::mt19937_64 random(1);
  PieceMaker maker(kGrid);
  maker.Add(5, Random(random, 1));
  maker.Add(5, SomeHistograms(random));
  const std::string bytes = maker.Finish();
  auto piece = Piece::Open(kGrid, bytes);
  REQUIRE(piece);
  REQUIRE(piece->entries().size() == 2);
  CHECK(piece->ReadNumber(piece->entries()[0]));
  CHECK(piece->ReadHistogram(piece->entries()[1]));
}

TEST_CASE("increases that are known in part come back so") {
  std::mt19937_64 random(2);
  NumberRollup rollup = Random(random, 2);
  rollup.increase[3] = std::numeric_limits<double>::quiet_NaN();
  PieceMaker maker(kGrid);
  maker.Add(5, rollup);
  const std::string bytes = maker.Finish();
  auto piece = Piece::Open(kGrid, bytes);
  REQUIRE(piece);
  auto read = piece->ReadNumber(piece->entries()[0]);
  REQUIRE(read);
  CHECK(Same(*read, rollup));
}

TEST_CASE("a piece of other times than its row says is refused") {
  const std::string bytes = Make(1);
  CHECK_FALSE(Piece::Open({RollupLevel::kHour, kBegin, kDay}, bytes));
  CHECK_FALSE(Piece::Open({RollupLevel::kFiveMinutes, kBegin, kDay / 12}, bytes));
  CHECK_FALSE(Piece::Open({RollupLevel::kFiveMinutes, kBegin, 0}, bytes));
  CHECK_FALSE(Piece::Open({RollupLevel::kFiveMinutes, kBegin, kDay + 1}, bytes));
  CHECK_FALSE(Piece::Open({RollupLevel::kFiveMinutes, kBegin, INT64_MIN}, bytes));
  CHECK_FALSE(Piece::Open(kGrid, ""));
}

TEST_CASE("damaged bytes are an Error or some values, never more") {
  std::string bytes = Make(3);
  std::mt19937_64 random(3);
  const auto read = [](const std::string& damaged) {
    auto piece = Piece::Open(kGrid, damaged);
    if (!piece) return false;
    bool whole = true;
    for (const Piece::Entry& entry : piece->entries()) {
      whole = (entry.form == PieceForm::kHistogram ? piece->ReadHistogram(entry).ok()
                                                   : piece->ReadNumber(entry).ok()) &&
              whole;
    }
    return whole;
  };
  CHECK(read(bytes));
  CHECK_FALSE(read(bytes + "x"));
  for (size_t size = 0; size < bytes.size(); size += 1 + random() % 97) {
    CHECK_FALSE(read(bytes.substr(0, size)));
  }
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = bytes;
    damaged[random() % 200] ^= static_cast<char>(1 + random() % 255);
    if (!read(damaged)) ++refused;
  }
  CHECK(refused > 100);
}
