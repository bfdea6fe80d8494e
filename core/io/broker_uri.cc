#include "core/io/broker_uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>

namespace haidang {
namespace {

constexpr std::string_view kTls = "ssl://", kPlain = "tcp://";
constexpr size_t kMaxHost = 253;  // bytes, RFC 1035

bool IsHost(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    in6_addr address;
    return inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) == 1;
  }
  return !host.empty() && host.size() <= kMaxHost && host.front() != '.' && host.front() != '-' &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
         });
}

bool IsPort(std::string_view digits) {
  uint16_t port = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return fault == std::errc() && end == digits.data() + digits.size() && port != 0;
}

}  // namespace

bool UsesTls(std::string_view uri) { return uri.starts_with(kTls); }

Status CheckBrokerUri(std::string_view uri) {
  const auto wrong = [](std::string_view what) {
    return Error{std::string(what) + "; allowed: \"ssl://host:8883\" or \"tcp://host:1883\""};
  };
  if (!UsesTls(uri) && !uri.starts_with(kPlain)) return wrong("must begin with ssl:// or tcp://");
  const std::string_view rest = uri.substr(kTls.size());
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) return wrong("has no port");
  if (!IsHost(rest.substr(0, colon))) {
    return wrong("has a host that is neither a name nor an address (IPv6 in brackets)");
  }
  if (!IsPort(rest.substr(colon + 1))) return wrong("needs a port from 1 to 65535");
  return {};
}

}  // namespace haidang
