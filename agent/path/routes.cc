#include "agent/path/routes.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

// linux/route.h, linux/ipv6_route.h
constexpr uint32_t kUp = 0x0001;
constexpr uint32_t kGateway = 0x0002;
constexpr uint32_t kReject = 0x0200;

template <typename T>
std::optional<T> ParseHex(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// The default route that is best so far.
struct Best {
  std::optional<uint64_t> metric;
  std::optional<std::string> gateway;

  void See(uint64_t its_metric, std::string its_gateway) {
    if (metric && *metric <= its_metric) return;
    metric = its_metric;
    gateway = std::move(its_gateway);
  }
};

std::string ToText(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, text, sizeof text);
  return text;
}

std::optional<in6_addr> ParseAddress6(std::string_view hex) {
  in6_addr address{};
  if (hex.size() != 2 * sizeof address) return std::nullopt;
  for (size_t i = 0; i < sizeof address; ++i) {
    const auto byte = ParseHex<uint8_t>(hex.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    address.s6_addr[i] = *byte;
  }
  return address;
}

}  // namespace

std::optional<std::string> FindGateway4(std::string_view text) {
  Best best;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    TakeField(line);  // device
    const auto destination = ParseHex<uint32_t>(TakeField(line));
    const auto gateway = ParseHex<uint32_t>(TakeField(line));  // as it lies in memory
    const auto flags = ParseHex<uint32_t>(TakeField(line));
    TakeField(line);  // references
    TakeField(line);  // uses
    const auto metric = ParseUnsigned(TakeField(line));
    const auto mask = ParseHex<uint32_t>(TakeField(line));
    if (!destination || !gateway || !flags || !metric || !mask) continue;
    if (*destination != 0 || *mask != 0 || (*flags & kUp) == 0 || (*flags & kReject) != 0) continue;
    const bool has_next = (*flags & kGateway) != 0 && *gateway != 0;
    best.See(*metric, has_next ? ToText(AF_INET, &*gateway) : "");
  }
  return best.gateway;
}

std::optional<std::string> FindGateway6(std::string_view text) {
  Best best;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    std::array<std::string_view, 10> fields;
    for (std::string_view& field : fields) field = TakeField(line);
    const auto destination = ParseAddress6(fields[0]);
    const auto length = ParseHex<uint8_t>(fields[1]);
    const auto next = ParseAddress6(fields[4]);
    const auto metric = ParseHex<uint32_t>(fields[5]);
    const auto flags = ParseHex<uint32_t>(fields[8]);
    const std::string_view device = fields[9];
    if (!destination || !length || !next || !metric || !flags || device.empty()) continue;
    if (*length != 0 || !IN6_IS_ADDR_UNSPECIFIED(&*destination)) continue;
    if ((*flags & kUp) == 0 || (*flags & kReject) != 0 || device == "lo") continue;
    std::string gateway;
    if ((*flags & kGateway) != 0 && !IN6_IS_ADDR_UNSPECIFIED(&*next)) {
      gateway = ToText(AF_INET6, &*next);
      if (IN6_IS_ADDR_LINKLOCAL(&*next)) gateway += "%" + std::string(device);
    }
    best.See(*metric, std::move(gateway));
  }
  return best.gateway;
}

}  // namespace haidang::agent
