#pragma once

#include <cstdint>

#include "core/io/host_port.h"
#include "core/io/http/socket.h"
#include "core/result.h"

namespace haidang::http {

// A non-blocking socket that listens on `address`. An Error says why not: port taken, address not
// of this machine, no right.
Result<Socket> OpenListener(const HostPort& address);

// The port that a socket has in the end.
uint16_t PortOf(const Socket& socket);

// Asks the system for as many descriptors as `connections` and the program's own files need, as far
// as it may have them.
void AllowDescriptors(size_t connections);

}  // namespace haidang::http
