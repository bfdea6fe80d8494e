#pragma once

#include <string_view>

#include "core/result.h"

namespace haidang {

// An Error says what is wrong with a broker's address and what is allowed: ssl://host:port or
// tcp://host:port, the host a name, an IPv4 address or an IPv6 address in brackets, the port 1 to
// 65535. Resolves nothing.
Status CheckBrokerUri(std::string_view uri);

// Whether the broker is asked over TLS.
bool UsesTls(std::string_view uri);

}  // namespace haidang
