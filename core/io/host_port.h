#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang {

struct HostPort {
  std::string host;   // a name or an address, without brackets
  uint16_t port = 0;  // 0: any free one (listening only)
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0". An Error says what is allowed.
Result<HostPort> ParseHostPort(std::string_view text);
// The same of an address to listen on: a numeric one or "localhost", so that it needs no resolver.
Result<HostPort> ParseListen(std::string_view text);
std::string ToString(const HostPort& address);

// Whether one machine cannot listen on both: the same port (0 is any free one) of addresses that
// overlap, as 0.0.0.0 and 127.0.0.1 do.
bool Overlap(const HostPort& a, const HostPort& b);

// Whether what is sent there never leaves the machine.
bool IsLoopback(std::string_view host);

}  // namespace haidang
