#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace haidang::testing {

// Sends everything, or gives up when the other side is gone.
inline void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

// An HTTP server that answers with whatever bytes a test wants, one connection at a time.
class RawServer {
 public:
  // Gets the connection and the path asked for; the connection is closed when it returns.
  using Handler = std::function<void(int fd, const std::string& path)>;

  // Gets each request, head and body, before the handler.
  using Listener = std::function<void(const std::string& request)>;

  explicit RawServer(Handler handler, Listener listener = {})
      : handler_(std::move(handler)), heard_(std::move(listener)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }

  ~RawServer() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }

  int port() const { return port_; }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }
  bool stopping() const { return stopping_; }

 private:
  void Serve() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      handler_(fd, ReadPath(fd));
      close(fd);
    }
  }

  // The path of the request's first line.
  std::string ReadPath(int fd) const {
    std::string request;
    char buffer[1024];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      request.append(buffer, static_cast<size_t>(got));
    }
    const size_t length = request.find("Content-Length: ");
    const size_t body = length == std::string::npos ? 0 : std::stoul(request.substr(length + 16));
    const size_t whole = request.find("\r\n\r\n") + 4 + body;
    while (request.size() < whole) {
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      request.append(buffer, static_cast<size_t>(got));
    }
    if (heard_) heard_(request);
    const size_t begin = request.find(' ') + 1;
    return request.substr(begin, request.find(' ', begin) - begin);
  }

  Handler handler_;
  Listener heard_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace haidang::testing
