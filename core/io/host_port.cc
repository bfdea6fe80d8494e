#include "core/io/host_port.h"

#include <arpa/inet.h>

#include <charconv>

namespace haidang {
namespace {

constexpr std::string_view kLocalhost = "localhost";

bool IsV6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsV4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// One text for each address.
std::string Canonical(const std::string& host) {
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return host;
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, &v6, text, sizeof text);
}

// Whether who listens on `host` takes what is sent to `other`.
bool Covers(std::string_view host, std::string_view other) {
  if (host == "::") return true;
  if (host == "0.0.0.0") return other.find(':') == std::string_view::npos;
  return host == kLocalhost && (other == "127.0.0.1" || other == "::1");
}

}  // namespace

bool Overlap(const HostPort& a, const HostPort& b) {
  if (a.port == 0 || a.port != b.port) return false;
  const std::string one = Canonical(a.host), other = Canonical(b.host);
  return one == other || Covers(one, other) || Covers(other, one);
}

Result<HostPort> ParseHostPort(std::string_view text) {
  const Error wrong{
      "must be a host and a port of at most 65535; allowed: \"127.0.0.1:8080\" or \"[::1]:8080\""};
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!IsV6(std::string(host))) return wrong;
  } else if (host.find(':') != std::string_view::npos) {
    return wrong;
  }
  if (host.empty() || host.find_first_of(" /@[]?#\t\r\n") != std::string_view::npos) return wrong;
  HostPort address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong;
  return address;
}

Result<HostPort> ParseListen(std::string_view text) {
  auto address = ParseHostPort(text);
  if (!address) return address;
  if (address->host == kLocalhost || IsV4(address->host) || IsV6(address->host)) return address;
  return Error{
      "must be a numeric address of this machine and a port; allowed: \"127.0.0.1:8080\", "
      "\"[::1]:8080\", \"0.0.0.0:8080\" for all of them"};
}

std::string ToString(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool IsLoopback(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == kLocalhost || host == "::1";
}

}  // namespace haidang
