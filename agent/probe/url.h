#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// What a probe must know of its URL.
struct Url {
  bool tls = false;  // https
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 0;
  bool literal = false;  // `host` is an IP address: nothing to resolve

  // The same origin: path and query are no part of it.
  bool operator==(const Url&) const = default;
};

// http and https only; ASCII (write xn-- for other names); no user name or password, which would
// end up in logs and configuration copies.
Result<Url> ParseUrl(std::string_view text);

}  // namespace haidang::agent
