#include "collector/store/rollup/excerpt.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "collector/store/rollup/piece.h"

using namespace haidang;
using namespace haidang::store;

namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr PieceGrid kGrid{RollupLevel::kHour, 0, 100 * kHourMs};

// A piece of numbers 1, 3, … and histograms 2, 4, …, whose values are the series' own.
std::string Make(int64_t series) {
  PieceMaker maker(kGrid);
  std::mt19937_64 random(7);
  for (int64_t id = 1; id <= series; ++id) {
    NumberRollup numbers;
    HistogramRollup histograms;
    for (int64_t hour = id % 3; hour < 100; hour += 1 + id % 2) {
      const auto value = static_cast<double>(random() % 1000);
      numbers.begins_ms.push_back(hour * kHourMs);
      numbers.count.push_back(1);
      for (auto* column : {&numbers.sum, &numbers.min, &numbers.max, &numbers.first, &numbers.last,
                           &numbers.increase}) {
        column->push_back(value);
      }
      Histogram histogram;
      histogram.Observe(value + 0.5);
      histograms.begins_ms.push_back(hour * kHourMs);
      histograms.increase.Append(histogram);
    }
    if (id % 2 == 1) maker.Add(id, numbers);
    if (id % 2 == 0) maker.Add(id, histograms);
  }
  return maker.Finish();
}

struct Read {
  Result<std::string> excerpt;
  size_t bytes = 0;  // that were read
};

Read Excerpt(const std::string& piece, const std::set<int64_t>& series) {
  size_t bytes = 0;
  const auto read = [&](size_t offset, size_t length, std::string& into) -> Status {
    REQUIRE(offset + length <= piece.size());
    into = piece.substr(offset, length);
    bytes += length;
    return {};
  };
  auto excerpt = ReadExcerpt(kGrid, piece.size(), read, series);
  return {std::move(excerpt), bytes};
}

}  // namespace

TEST_CASE("an excerpt has what the piece has of its series, and nothing else") {
  const std::string bytes = Make(600);
  const auto whole = Piece::Open(kGrid, bytes);
  REQUIRE(whole);
  for (const std::set<int64_t>& series :
       {std::set<int64_t>{1}, std::set<int64_t>{2, 3, 600}, std::set<int64_t>{-5, 0, 301, 999}}) {
    const Read read = Excerpt(bytes, series);
    REQUIRE(read.excerpt);
    CHECK(read.bytes < bytes.size() / 4);
    const auto piece = Piece::Open(kGrid, *read.excerpt);
    REQUIRE(piece);
    size_t expected = 0;
    for (const Piece::Entry& entry : whole->entries()) {
      if (!series.contains(entry.series)) continue;
      REQUIRE(expected < piece->entries().size());
      const Piece::Entry& same = piece->entries()[expected++];
      CHECK(same.series == entry.series);
      CHECK(same.form == entry.form);
      CHECK(same.bytes == entry.bytes);
      if (entry.form == PieceForm::kHistogram) {
        CHECK(piece->ReadHistogram(same)->increase == whole->ReadHistogram(entry)->increase);
        CHECK(piece->ReadHistogram(same)->begins_ms == whole->ReadHistogram(entry)->begins_ms);
      } else {
        CHECK(piece->ReadNumber(same)->last == whole->ReadNumber(entry)->last);
        CHECK(piece->ReadNumber(same)->begins_ms == whole->ReadNumber(entry)->begins_ms);
      }
    }
    CHECK(piece->entries().size() == expected);
  }
}

TEST_CASE("an excerpt of everything is the piece; of a piece without series, it too") {
  const std::string bytes = Make(20);
  std::set<int64_t> all;
  for (int64_t id = 1; id <= 20; ++id) all.insert(id);
  CHECK(Excerpt(bytes, all).excerpt.value() == bytes);
  const std::string empty = PieceMaker(kGrid).Finish();
  CHECK(Excerpt(empty, all).excerpt.value() == empty);
  CHECK(Excerpt(bytes, {}).excerpt.value() == empty);
}

TEST_CASE("damaged bytes are an Error or an excerpt, never more") {
  const std::string bytes = Make(9);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CHECK_FALSE(Excerpt(bytes.substr(0, cut), {2, 3}).excerpt.ok());
  }
  CHECK_FALSE(Excerpt(bytes + "x", {2, 3}).excerpt.ok());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {1, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const Read read = Excerpt(damaged, {2, 3});
      CHECK(read.bytes <= 2 * damaged.size());
      if (!read.excerpt) continue;
      const auto piece = Piece::Open(kGrid, *read.excerpt);
      CHECK(piece);
    }
  }
}

TEST_CASE("what cannot be read is told") {
  const std::string bytes = Make(9);
  const auto failing = [](size_t, size_t, std::string&) { return Status(Error{"disk"}); };
  const auto excerpt = ReadExcerpt(kGrid, bytes.size(), failing, {1});
  REQUIRE_FALSE(excerpt.ok());
  CHECK(excerpt.error().message == "disk");
}
