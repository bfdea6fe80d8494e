#include "agent/path/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cstring>

#include "agent/sources/text.h"

namespace haidang::agent {

std::optional<Address> Address::Parse(std::string_view text, uint16_t port) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Address address;
  in_addr v4{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &v4) == 1) {
    address.v4_.sin_family = AF_INET;
    address.v4_.sin_addr = v4;
    address.v4_.sin_port = htons(port);
    return address;
  }
  const size_t percent = text.find('%');
  in6_addr v6{};
  if (inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &v6) != 1) {
    return std::nullopt;
  }
  address.v6_.sin6_family = AF_INET6;
  address.v6_.sin6_addr = v6;
  address.v6_.sin6_port = htons(port);
  if (percent != std::string_view::npos) {
    const std::string device(text.substr(percent + 1));
    unsigned index = if_nametoindex(device.c_str());
    if (index == 0) index = static_cast<unsigned>(ParseUnsigned(device).value_or(0));
    if (index == 0) return std::nullopt;
    address.v6_.sin6_scope_id = index;
  }
  return address;
}

Address Address::WithPort(uint16_t port) const {
  Address with = *this;
  if (family() == AF_INET) {
    with.v4_.sin_port = htons(port);
  } else {
    with.v6_.sin6_port = htons(port);
  }
  return with;
}

bool Address::IsSameHost(const Address& other) const {
  if (family() != other.family()) return false;
  if (family() == AF_INET) return v4_.sin_addr.s_addr == other.v4_.sin_addr.s_addr;
  return std::memcmp(&v6_.sin6_addr, &other.v6_.sin6_addr, sizeof v6_.sin6_addr) == 0;
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes = family() == AF_INET ? static_cast<const void*>(&v4_.sin_addr)
                                          : static_cast<const void*>(&v6_.sin6_addr);
  inet_ntop(family(), bytes, text, sizeof text);
  return text;
}

}  // namespace haidang::agent
