#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace haidang::agent {

// The next hop of the default route with the lowest metric, of the text of /proc/net/route:
// "10.1.2.3", or "" where that route needs none (a modem's). Nothing where there is no such route.
std::optional<std::string> FindGateway4(std::string_view text);

// The same of /proc/net/ipv6_route; link-local ones with their device: "fe80::1%eth0".
std::optional<std::string> FindGateway6(std::string_view text);

}  // namespace haidang::agent
