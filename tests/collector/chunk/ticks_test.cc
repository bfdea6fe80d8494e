#include "collector/store/chunk/ticks.h"

#include <catch2/catch.hpp>

#include "tests/collector/chunk/generators.h"

using namespace haidang::store;
using haidang::store::testing::Generator;
using haidang::store::testing::Hex;

namespace {

constexpr int64_t kStart = 1'760'000'000'123;

size_t RoundTrip(const std::vector<int64_t>& times_ms) {
  const std::string chunk = EncodeTicks(times_ms);
  std::vector<int64_t> decoded;
  const auto status = DecodeTicks(chunk, times_ms.size(), decoded);
  if (!status.ok()) FAIL(status.error().message);
  CHECK(decoded == times_ms);
  return chunk.size();
}

std::vector<int64_t> Grid(size_t size, int64_t step) {
  std::vector<int64_t> times_ms(size);
  for (size_t i = 0; i < size; ++i) times_ms[i] = kStart + static_cast<int64_t>(i) * step;
  return times_ms;
}

}  // namespace

TEST_CASE("an even grid of ticks takes a dozen bytes, however long it is") {
  CHECK(RoundTrip({kStart}) <= 10);
  CHECK(RoundTrip(Grid(480, 15'000)) <= 14);
  CHECK(RoundTrip(Grid(5'760, 15'000)) <= 16);
}

TEST_CASE("a hole, a step of the clock and ticks that come a little late take little more") {
  auto times_ms = Grid(480, 15'000);
  for (size_t i = 200; i < 480; ++i) times_ms[i] += 45'000;
  CHECK(RoundTrip(times_ms) <= 22);
  for (size_t i = 300; i < 480; ++i) times_ms[i] -= 3'600'777;
  CHECK(RoundTrip(times_ms) <= 32);
  Generator generator(1);
  for (auto& time : times_ms) time += static_cast<int64_t>(generator.Below(4));
  CHECK(RoundTrip(times_ms) <= 200);  // two bits each would be 120
}

TEST_CASE("any times come back") {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Generator generator(seed);
    std::vector<int64_t> times_ms(1 + generator.Below(300));
    const uint64_t width = generator.Below(64);
    for (auto& time : times_ms) time = static_cast<int64_t>(generator.Any() >> width);
    if (generator.OneIn(2)) std::sort(times_ms.begin(), times_ms.end());
    INFO("seed " << seed);
    RoundTrip(times_ms);
  }
  RoundTrip({INT64_MIN, INT64_MAX, INT64_MIN, 0, -1});
}

TEST_CASE("damaged ticks and any bytes are times or an error") {
  std::vector<int64_t> times_ms;
  CHECK_FALSE(DecodeTicks(EncodeTicks(Grid(480, 15'000)), 479, times_ms).ok());
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Generator generator(seed);
    const std::string chunk = generator.OneIn(2)
                                  ? "\x11\x20" + generator.Bytes(60)
                                  : generator.Damaged(EncodeTicks(Grid(480, 15'000)));
    if (!DecodeTicks(chunk, 500, times_ms).ok()) continue;
    REQUIRE(times_ms.size() <= 500);
    RoundTrip(times_ms);
  }
}

TEST_CASE("the bytes of ticks are those of docs/store-format.md for ever") {
  CHECK(Hex(EncodeTicks(Grid(480, 15'000))) == "11e0033ba98029cce3db90709c");
  CHECK(Hex(EncodeTicks(std::vector<int64_t>{5, 6, 9, 9, 1000})) == "11050b003ba73ff1af");
}
