#include "collector/store/block/tick_rows.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace haidang;
using namespace haidang::store;

namespace {

std::vector<TickRow> Live(size_t count) {
  std::vector<TickRow> rows;
  for (size_t i = 0; i < count; ++i) {
    const auto at = static_cast<int64_t>(i);
    rows.push_back({.time_ms = 1'700'000'003'217 + 15'000 * at,
                    .offset_ms = 0,
                    .received_ms = 1'700'000'003'217 + 15'000 * at + 40 + at % 7,
                    .spool = 12,
                    .number = 1000 + i,
                    .flags = i % 40 == 0 ? 1 : 0,
                    .groups = 0x3ff});
  }
  return rows;
}

}  // namespace

TEST_CASE("rows of a live machine take little") {
  const auto rows = Live(480);
  const std::string bytes = EncodeTickRows(rows);
  std::vector<TickRow> back;
  REQUIRE(DecodeTickRows(bytes, rows.size(), back));
  CHECK(back == rows);
  CHECK(bytes.size() < 480);  // a byte each: when they came
}

TEST_CASE("rows of any content come back") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<TickRow> rows(1 + random() % 50);
    for (TickRow& row : rows) {
      row = {static_cast<int64_t>(random() >> (random() % 64)),
             static_cast<int64_t>(random()),
             static_cast<int64_t>(random()),
             static_cast<int64_t>(random() % 3),
             random() >> (random() % 64),
             static_cast<int64_t>(random() % 4),
             random()};
    }
    std::sort(rows.begin(), rows.end(), Before);
    std::vector<TickRow> back;
    REQUIRE(DecodeTickRows(EncodeTickRows(rows), rows.size(), back));
    CHECK(back == rows);
    if (rows.size() > 1) CHECK_FALSE(DecodeTickRows(EncodeTickRows(rows), rows.size() - 1, back));
  }
}

TEST_CASE("rows that were damaged are refused or are rows, within bounds") {
  std::mt19937_64 random(8);
  const std::string whole = EncodeTickRows(Live(100));
  std::vector<TickRow> back;
  CHECK_FALSE(DecodeTickRows("", 100, back));
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole;
    for (uint64_t n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    const auto done = DecodeTickRows(bytes, 100, back);
    if (!done) continue;
    CHECK(back.size() <= 100);
    CHECK(std::is_sorted(back.begin(), back.end(), Before));
  }
}
