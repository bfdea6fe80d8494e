#include "collector/http_port.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "collector/http_pool.h"

namespace haidang::collector {

HttpPort::HttpPort(size_t threads, size_t max_body_bytes) {
  Bound(server_, threads, max_body_bytes);
  // httplib's own options share the port with whoever else binds it (SO_REUSEPORT).
  server_.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

Result<int> HttpPort::Bind(const Listen& listen) {
  errno = 0;
  if (listen.port == 0) {
    port_ = server_.bind_to_any_port(listen.host);
  } else {
    port_ = server_.bind_to_port(listen.host, listen.port) ? listen.port : -1;
  }
  if (port_ > 0) return port_;
  const std::string why = errno != 0 ? std::strerror(errno) : "the address cannot be used";
  return Error{listen.host + ":" + std::to_string(listen.port) + ": cannot listen: " + why +
               "; choose another address under [query] or [metrics]"};
}

void HttpPort::Start() {
  thread_ = std::thread([this] { server_.listen_after_bind(); });
  while (!server_.is_running()) std::this_thread::yield();
}

void HttpPort::Stop() {
  if (!thread_.joinable()) return;
  server_.stop();
  thread_.join();
}

}  // namespace haidang::collector
