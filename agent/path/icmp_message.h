#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443), without the IP header, as
// unprivileged sockets send and take them: identifier and checksum are the kernel's work.
namespace haidang::agent {

struct Echo {
  uint16_t sequence = 0;
  uint64_t token = 0;  // random: tells our trial from everything else
  bool operator==(const Echo&) const = default;
};

inline constexpr size_t kIcmpHeader = 8;
inline constexpr size_t kLeastEcho = kIcmpHeader + sizeof(uint64_t);

// The IP header's size. `family`: AF_INET or AF_INET6.
size_t IpHeaderOf(int family);

// A request of `size` bytes, at least kLeastEcho.
std::string EncodeEchoRequest(int family, const Echo& echo, size_t size);

// Nothing where `packet` is no whole reply.
std::optional<Echo> ParseEchoReply(int family, std::string_view packet);

// The sequence of a request of ours that an error quotes, which may be no more than its header.
std::optional<uint16_t> ParseQuotedRequest(int family, std::string_view quoted);

}  // namespace haidang::agent
