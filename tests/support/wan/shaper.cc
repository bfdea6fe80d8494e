#include "tests/support/wan/shaper.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace haidang::wan {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr double kMost = 1e6;  // of any value

}  // namespace

Status Apply(std::string_view key, std::string_view value, Shape& shape) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !(number >= 0) ||
      number > kMost) {
    return Error{std::string(key) + " must be a number from 0 to 1000000"};
  }
  const auto ns = static_cast<int64_t>(number * static_cast<double>(kMs));
  if (key == "delay_ms") {
    shape.delay_ns = ns;
  } else if (key == "jitter_ms") {
    shape.jitter_ns = ns;
  } else if (key == "tls_delay_ms") {
    shape.handshake_delay_ns = ns;
  } else if (key == "loss") {
    shape.loss_percent = number;
  } else if (key == "rate_kbit") {
    shape.bits_per_second = static_cast<int64_t>(number * 1000);
  } else if (key == "mtu") {
    shape.largest_bytes = static_cast<size_t>(number);
  } else if (key == "down") {
    shape.down = number != 0;
  } else {
    return Error{"there is no \"" + std::string(key) + "\""};
  }
  return {};
}

bool IsServerHandshake(std::span<const uint8_t> packet) {
  constexpr uint8_t kTcp = 6;
  constexpr int kHttps = 443;
  constexpr uint8_t kHandshake = 22;
  if (packet.size() < 40 || packet[0] >> 4U != 4 || packet[9] != kTcp) return false;
  const size_t tcp = static_cast<size_t>(packet[0] & 15U) * 4;
  if (packet.size() < tcp + 20) return false;
  const int from = packet[tcp] << 8 | packet[tcp + 1];
  const size_t payload = tcp + static_cast<size_t>(packet[tcp + 12] >> 4U) * 4;
  return from == kHttps && packet.size() >= payload + 2 && packet[payload] == kHandshake &&
         packet[payload + 1] == 3;
}

std::optional<int64_t> Shaper::Departure(int64_t now_ns, std::span<const uint8_t> packet) {
  if (shape.down) return std::nullopt;
  if (shape.largest_bytes > 0 && packet.size() > shape.largest_bytes) return std::nullopt;
  if (shape.loss_percent > 0 &&
      std::uniform_real_distribution<>(0, 100)(chance_) < shape.loss_percent) {
    return std::nullopt;
  }
  int64_t leaves = now_ns;
  if (shape.bits_per_second > 0) {
    const int64_t begins = std::max(now_ns, line_free_ns_);
    if (begins - now_ns > kLongestQueueNs) return std::nullopt;
    leaves = begins + static_cast<int64_t>(packet.size()) * 8 * kSecond / shape.bits_per_second;
    line_free_ns_ = leaves;
  }
  if (shape.jitter_ns > 0) {
    leaves += std::uniform_int_distribution<int64_t>(0, shape.jitter_ns)(chance_);
  }
  if (shape.handshake_delay_ns > 0 && IsServerHandshake(packet)) leaves += shape.handshake_delay_ns;
  return leaves + shape.delay_ns;
}

}  // namespace haidang::wan
