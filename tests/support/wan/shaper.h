#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string_view>

#include "core/result.h"

namespace haidang::wan {

// What a line does to the packets of one direction.
struct Shape {
  int64_t delay_ns = 0;
  int64_t jitter_ns = 0;        // up to so much more, evenly; packets may overtake each other
  double loss_percent = 0;      // of all packets, by chance
  int64_t bits_per_second = 0;  // 0: as fast as they come
  size_t largest_bytes = 0;     // larger packets vanish without a word; 0: none does
  bool down = false;            // all vanish
  // TCP segments that begin with a TLS handshake record and come from port 443 are so much later:
  // a server that takes its time to shake hands.
  int64_t handshake_delay_ns = 0;
};

// Sets one of delay_ms, jitter_ms, loss, rate_kbit, mtu, down, tls_delay_ms.
Status Apply(std::string_view key, std::string_view value, Shape& shape);

// One direction of a line: when does a packet come out at its other end? Times are of one steady
// clock, in nanoseconds.
class Shaper {
 public:
  // Packets that would wait longer for their turn than this are dropped, as a router's queue does.
  static constexpr int64_t kLongestQueueNs = 1'000'000'000;

  explicit Shaper(uint32_t seed) : chance_(seed) {}
  Shape shape;

  // Nothing where the packet (an IP packet, hostile) is lost.
  std::optional<int64_t> Departure(int64_t now_ns, std::span<const uint8_t> packet);

 private:
  std::mt19937 chance_;
  int64_t line_free_ns_ = 0;
};

// True for an IPv4 TCP segment from port 443 whose payload begins with a TLS handshake record.
bool IsServerHandshake(std::span<const uint8_t> packet);

}  // namespace haidang::wan
