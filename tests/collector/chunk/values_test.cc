#include "collector/store/chunk/values.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "collector/store/chunk/doubles.h"
#include "tests/collector/chunk/generators.h"

using namespace haidang::store;
using haidang::store::testing::Generator;
using haidang::store::testing::Hex;
using haidang::store::testing::SameBits;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What must come out where `values` and `presence` went in.
std::vector<double> Masked(std::vector<double> values, const std::vector<Presence>& presence) {
  for (size_t i = 0; i < presence.size(); ++i) {
    if (presence[i] != Presence::kValue) values[i] = kNaN;
  }
  return values;
}

ValueColumn Decoded(const std::string& chunk, size_t max_ticks) {
  ValueColumn column;
  const auto status = DecodeValues(chunk, max_ticks, column);
  if (!status.ok()) FAIL(status.error().message);
  return column;
}

// The bytes that it takes; it comes back bit by bit.
size_t RoundTrip(const std::vector<double>& values) {
  const std::string chunk = EncodeValues(values, {});
  const ValueColumn column = Decoded(chunk, values.size());
  CHECK(column.presence.empty());
  CHECK(SameBits(column.values, values));
  return chunk.size();
}

DoubleCoding CodingOf(const std::vector<double>& values) { return PlanDoubles(values).coding; }

}  // namespace

TEST_CASE("what is constant takes a few bytes, however long it is") {
  CHECK(RoundTrip(std::vector<double>(480, 0.0)) == 3);
  CHECK(RoundTrip(std::vector<double>(480, 1.0)) <= 6);
  CHECK(RoundTrip(std::vector<double>(480, -0.0)) <= 6);
  CHECK(RoundTrip(std::vector<double>(480, kNaN)) <= 6);
  CHECK(RoundTrip(std::vector<double>(5000, 0.1)) <= 12);
  CHECK(RoundTrip({3.25}) <= 6);
}

TEST_CASE("counters that grow evenly take next to nothing") {
  std::vector<double> values(480);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.7e9 + static_cast<double>(i) * 15;
  CHECK(RoundTrip(values) <= 24);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 12345 + std::floor(static_cast<double>(i) / 40) * 4096;
  CHECK(RoundTrip(values) <= 40);
}

TEST_CASE("each way of coding is chosen where it is the smallest") {
  Generator generator(1);
  CHECK(CodingOf(std::vector<double>(9, 4.5)) == DoubleCoding::kConstant);
  CHECK(CodingOf({1, 2, 3.25, 7}) == DoubleCoding::kDecimal);
  CHECK(CodingOf({0.1, 0.2, 0.1 + 0.2, 0.7}) == DoubleCoding::kNearDecimal);
  std::vector<double> values(200);
  for (double& value : values) value = 100 + generator.Noise();
  CHECK(CodingOf(values) == DoubleCoding::kPattern);
  for (double& value : values) value = std::bit_cast<double>(generator.Any());
  CHECK(CodingOf(values) == DoubleCoding::kRaw);
}

TEST_CASE("a few values that are no decimals do not spoil the others") {
  std::vector<double> values(480);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * i % 97) / 100;
  const size_t before = RoundTrip(values);
  values[7] = kNaN;
  values[100] = std::numeric_limits<double>::infinity();
  values[101] = -0.0;
  values[479] = std::acos(-1);
  CHECK(CodingOf(values) == DoubleCoding::kDecimal);
  CHECK(RoundTrip(values) <= before + 50);
}

TEST_CASE("series of every kind come back bit by bit, with all their marks") {
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Generator generator(seed);
    const size_t size = 1 + (generator.OneIn(4) ? generator.Below(3) : generator.Below(700));
    const auto values = generator.Series(seed % Generator::kKinds, size);
    const auto presence = generator.PresenceOf(size);
    INFO("seed " << seed);
    RoundTrip(values);
    const ValueColumn column = Decoded(EncodeValues(values, presence), size);
    REQUIRE(SameBits(column.values, Masked(values, presence)));
    if (IsPartial(presence)) {
      REQUIRE(column.presence == presence);
    } else {
      REQUIRE(column.presence.empty());
    }
  }
}

TEST_CASE("a chunk takes little more than its values' 64 bits at the worst") {
  Generator generator(5);
  for (const uint64_t kind : {6U, 8U, 12U}) {
    const auto values = generator.Series(kind, 480);
    CHECK(RoundTrip(values) <= 480 * 8 + 16);
  }
}

TEST_CASE("a slow probe's pattern of ticks without a value costs little") {
  std::vector<Presence> presence(480, Presence::kUnknown);
  for (size_t i = 0; i < presence.size(); i += 4) presence[i] = Presence::kValue;
  const std::vector<double> values(480, 1.0);
  CHECK(EncodeValues(values, presence).size() <= 20);
}

TEST_CASE("a series that has no value in a chunk is only its marks") {
  const std::vector<double> values(480, 5.0);
  const std::vector<Presence> presence(480, Presence::kNull);
  const std::string chunk = EncodeValues(values, presence);
  CHECK(chunk.size() <= 8);
  const ValueColumn column = Decoded(chunk, 480);
  CHECK(column.presence == presence);
  CHECK(SameBits(column.values, std::vector<double>(480, kNaN)));
}

TEST_CASE("a chunk that claims too many ticks, or is another format, is refused") {
  const std::string chunk = EncodeValues(std::vector<double>(100, 1.0), {});
  ValueColumn column;
  CHECK(DecodeValues(chunk, 100, column).ok());
  CHECK(DecodeValues(chunk, 99, column).error().message ==
        "chunk of values: claims 100 ticks, allowed: 1 to 99");
  CHECK_FALSE(DecodeValues("", 100, column).ok());
  CHECK_FALSE(DecodeValues("\x22\x05", 100, column).ok());
  CHECK_FALSE(DecodeValues("\x21", 100, column).ok());
  CHECK_FALSE(DecodeValues(std::string("\x21\0", 2), 100, column).ok());
  CHECK_FALSE(DecodeValues(chunk + "abcdefghi", 100, column).ok());
}

TEST_CASE("damaged chunks and any bytes are numbers or an error, never more than was allowed") {
  ValueColumn column;
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    Generator generator(seed);
    std::string chunk = generator.Bytes(120);
    if (generator.OneIn(2)) chunk.insert(0, "\x21\x40");
    if (generator.OneIn(2)) {
      const auto values = generator.Series(seed % Generator::kKinds, 64);
      chunk = generator.Damaged(EncodeValues(values, generator.PresenceOf(64)));
    }
    const auto status = DecodeValues(chunk, 512, column);
    if (!status.ok()) continue;
    REQUIRE(column.values.size() <= 512);
    const ValueColumn again = Decoded(EncodeValues(column.values, column.presence), 512);
    REQUIRE(SameBits(again.values, column.values));
    REQUIRE(again.presence == column.presence);
  }
}

TEST_CASE("the bytes of each coding are those of docs/store-format.md for ever") {
  CHECK(Hex(EncodeValues(std::vector<double>(3, 1.0), {})) == "2103023ff0");
  CHECK(Hex(EncodeValues(std::vector<double>{1, 2.5, 2.25, -7}, {})) == "210411042e41f272bfbf77");
  CHECK(Hex(EncodeValues(std::vector<double>{0.1, 0.2, 0.1 + 0.2, 0.7}, {})) == "21042088071ce4");
  CHECK(
      Hex(EncodeValues(std::vector<double>{1.0, std::acos(-1), 1e300, 1e299}, {})) ==
      "2104310b43effb003fa50000003ffbfffc23f1869ec04062e6ffff57fc66b961f8c03e6e346c2beb80751765dd");
  const std::vector<Presence> presence = {Presence::kAbsent, Presence::kNull, Presence::kValue,
                                          Presence::kUnknown, Presence::kValue};
  CHECK(Hex(EncodeValues(std::vector<double>{0, 0, 12.5, 0, 13}, presence)) ==
        "2105fb2b18c62b8b787f");
}
