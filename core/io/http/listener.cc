#include "core/io/http/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace haidang::http {
namespace {

constexpr int kBacklog = 256;

Error ListenError(const HostPort& address, int error) {
  std::string hint;
  if (error == EADDRINUSE) hint = "; another program has the port: choose another listen";
  if (error == EACCES) hint = "; ports below 1024 need a right that this program does not have";
  if (error == EADDRNOTAVAIL) hint = "; this machine does not have that address";
  return Error{"cannot listen on " + ToString(address) + ": " + std::strerror(error) + hint};
}

}  // namespace

Result<Socket> OpenListener(const HostPort& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int failed = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found)) {
    return Error{"cannot listen on " + ToString(address) + ": " + gai_strerror(failed)};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket socket(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (socket.fd() >= 0 && ::bind(socket.fd(), at->ai_addr, at->ai_addrlen) == 0 &&
        ::listen(socket.fd(), kBacklog) == 0) {
      return socket;
    }
    error = errno;
  }
  return ListenError(address, error);
}

uint16_t PortOf(const Socket& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&storage), &length);
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

void AllowDescriptors(size_t connections) {
  constexpr size_t kOwnFiles = 512;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur =
      std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, connections + kOwnFiles));
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace haidang::http
