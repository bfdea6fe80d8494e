#include "agent/probe/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace haidang::agent {
namespace {

constexpr size_t kMaxUrl = 2048;

bool IsAddress(const std::string& host, bool bracketed) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), buffer) == 1;
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
  });
}

// The port of ":8080", or the scheme's own.
Result<uint16_t> ParsePort(std::string_view text, bool tls) {
  if (text.empty() || text == ":") return static_cast<uint16_t>(tls ? 443 : 80);
  uint16_t port = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + 1, last, port);
  if (text.front() != ':' || error != std::errc() || end != last || port == 0) {
    return Error{"its port must be 1 to 65535"};
  }
  return port;
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kMaxUrl) return Error{"it is longer than 2048 bytes"};
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return Error{
        "it must be ASCII without blanks; write other characters as %XX, host names as xn--"};
  }
  Url url;
  std::string scheme(text.substr(0, text.find("://")));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (scheme == "https") {
    url.tls = true;
  } else if (scheme != "http") {
    return Error{"it must begin with http:// or https://"};
  }
  std::string_view rest = text.substr(scheme.size() + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return Error{"it must not hold a user name or password"};
  }
  const bool bracketed = authority.starts_with('[');
  const size_t end = bracketed ? authority.find(']') : authority.rfind(':');
  url.host = bracketed ? authority.substr(1, end == std::string_view::npos ? end : end - 1)
                       : authority.substr(0, end);
  const auto port = ParsePort(
      end == std::string_view::npos ? "" : authority.substr(bracketed ? end + 1 : end), url.tls);
  if (!port) return port.error();
  url.port = *port;
  url.literal = IsAddress(url.host, bracketed);
  if (bracketed && end == std::string_view::npos) return Error{"its host name is not valid"};
  if (bracketed ? !url.literal : !IsHostName(url.host)) return Error{"its host name is not valid"};
  return url;
}

}  // namespace haidang::agent
