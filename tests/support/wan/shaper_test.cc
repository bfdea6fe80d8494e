#include "tests/support/wan/shaper.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace haidang::wan {
namespace {

constexpr int64_t kMs = 1'000'000;

// An IPv4 TCP segment from `port` with this payload.
std::vector<uint8_t> Segment(int port, const std::vector<uint8_t>& payload) {
  constexpr size_t kHeaders = 40;
  std::vector<uint8_t> packet(kHeaders + payload.size(), 0);
  packet[0] = 0x45;
  packet[9] = 6;
  packet[20] = static_cast<uint8_t>(port >> 8);
  packet[21] = static_cast<uint8_t>(port);
  packet[32] = 0x50;
  std::copy(payload.begin(), payload.end(), packet.begin() + kHeaders);
  return packet;
}

TEST_CASE("a line without a shape lets packets through at once") {
  Shaper shaper(1);
  CHECK(shaper.Departure(5, Segment(80, {})) == 5);
  CHECK(shaper.Departure(5, {}) == 5);
}

TEST_CASE("packets are late, lost, too large") {
  Shaper shaper(1);
  REQUIRE(Apply("delay_ms", "4.5", shaper.shape).ok());
  CHECK(shaper.Departure(0, Segment(80, {})) == 4'500'000);
  REQUIRE(Apply("mtu", "60", shaper.shape).ok());
  CHECK(shaper.Departure(0, std::vector<uint8_t>(60)).has_value());
  CHECK(!shaper.Departure(0, std::vector<uint8_t>(61)));
  REQUIRE(Apply("down", "1", shaper.shape).ok());
  CHECK(!shaper.Departure(0, std::vector<uint8_t>(60)));
}

TEST_CASE("as many packets are lost as was told") {
  Shaper shaper(7);
  REQUIRE(Apply("loss", "10", shaper.shape).ok());
  int lost = 0;
  for (int i = 0; i < 10000; ++i) lost += shaper.Departure(0, Segment(80, {})) ? 0 : 1;
  CHECK(lost > 850);
  CHECK(lost < 1150);
}

TEST_CASE("a slow line keeps packets waiting, and drops those that would wait too long") {
  Shaper shaper(1);
  REQUIRE(Apply("rate_kbit", "80", shaper.shape).ok());  // 10 bytes a millisecond
  const std::vector<uint8_t> packet(1000);
  CHECK(shaper.Departure(0, packet) == 100 * kMs);
  CHECK(shaper.Departure(0, packet) == 200 * kMs);
  CHECK(shaper.Departure(500 * kMs, packet) == 600 * kMs);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += shaper.Departure(500 * kMs, packet) ? 1 : 0;
  CHECK(taken == 10);
}

TEST_CASE("a server's handshake alone is late") {
  Shaper shaper(1);
  REQUIRE(Apply("tls_delay_ms", "800", shaper.shape).ok());
  CHECK(shaper.Departure(0, Segment(443, {22, 3, 3, 0, 90})) == 800 * kMs);
  CHECK(shaper.Departure(0, Segment(443, {23, 3, 3, 0, 90})) == 0);
  CHECK(shaper.Departure(0, Segment(8883, {22, 3, 3})) == 0);
  CHECK(!IsServerHandshake(std::vector<uint8_t>(39, 0x45)));
  CHECK(!IsServerHandshake(Segment(443, {22})));
}

TEST_CASE("values that make no sense are refused") {
  Shape shape;
  CHECK(!Apply("delay_ms", "-1", shape).ok());
  CHECK(!Apply("delay_ms", "3x", shape).ok());
  CHECK(!Apply("loss", "nan", shape).ok());
  CHECK(!Apply("delay", "3", shape).ok());
}

}  // namespace
}  // namespace haidang::wan
