#include "agent/path/icmp_message.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace haidang::agent {
namespace {

constexpr size_t kSequenceAt = 6;

uint8_t RequestType(int family) { return family == AF_INET ? 8 : 128; }
uint8_t ReplyType(int family) { return family == AF_INET ? 0 : 129; }

uint16_t SequenceOf(std::string_view packet) {
  return static_cast<uint16_t>(static_cast<uint8_t>(packet[kSequenceAt]) << 8 |
                               static_cast<uint8_t>(packet[kSequenceAt + 1]));
}

bool Begins(std::string_view packet, uint8_t type) {
  return packet.size() >= kIcmpHeader && static_cast<uint8_t>(packet[0]) == type && packet[1] == 0;
}

}  // namespace

size_t IpHeaderOf(int family) { return family == AF_INET ? 20 : 40; }

std::string EncodeEchoRequest(int family, const Echo& echo, size_t size) {
  std::string packet(std::max(size, kLeastEcho), '\0');
  packet[0] = static_cast<char>(RequestType(family));
  packet[kSequenceAt] = static_cast<char>(echo.sequence >> 8);
  packet[kSequenceAt + 1] = static_cast<char>(echo.sequence & 0xff);
  std::memcpy(packet.data() + kIcmpHeader, &echo.token, sizeof echo.token);
  return packet;
}

std::optional<Echo> ParseEchoReply(int family, std::string_view packet) {
  if (packet.size() < kLeastEcho || !Begins(packet, ReplyType(family))) return std::nullopt;
  Echo echo{.sequence = SequenceOf(packet)};
  std::memcpy(&echo.token, packet.data() + kIcmpHeader, sizeof echo.token);
  return echo;
}

std::optional<uint16_t> ParseQuotedRequest(int family, std::string_view quoted) {
  if (!Begins(quoted, RequestType(family))) return std::nullopt;
  return SequenceOf(quoted);
}

}  // namespace haidang::agent
