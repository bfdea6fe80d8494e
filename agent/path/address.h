#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haidang::agent {

// An IP address with a port, as the socket calls take it. A value.
class Address {
 public:
  // Of no family: a place for recvmsg to write to.
  Address() { v6_ = {}; }

  // "10.1.2.3", "fd00::1", "[fd00::1]", "fe80::1%eth0"; nothing where it is no IP address, or its
  // device is not there.
  static std::optional<Address> Parse(std::string_view text, uint16_t port);

  int family() const { return any_.sa_family; }  // AF_INET, AF_INET6
  sockaddr* data() { return &any_; }
  const sockaddr* data() const { return &any_; }
  // For recvmsg: how much may be written.
  static constexpr socklen_t capacity() { return sizeof(sockaddr_in6); }
  socklen_t size() const { return family() == AF_INET ? sizeof v4_ : sizeof v6_; }

  Address WithPort(uint16_t port) const;
  // Whether both are the same machine's; ports and devices are not looked at.
  bool IsSameHost(const Address& other) const;
  // Without the port; IPv6 without brackets.
  std::string text() const;

 private:
  union {
    sockaddr any_;
    sockaddr_in v4_;
    sockaddr_in6 v6_;
  };
};

}  // namespace haidang::agent
