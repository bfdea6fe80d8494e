#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/collector/remote/write_decoder.h"

namespace haidang::testing {

// A receiver of POSTs that answers with whatever bytes a test wants, one connection at a time.
class RawReceiver {
 public:
  struct Seen {
    std::string head;  // request line and headers
    std::string body;
    int connection = 0;  // counted from 1
  };
  struct Reply {
    std::string bytes;    // "" is silence
    bool close = false;   // after them
    std::string again{};  // and these without end, until the other side is gone
  };
  using Answer = std::function<Reply(const Seen& seen, size_t before)>;  // `before`: requests

  explicit RawReceiver(Answer answer) : answer_(std::move(answer)) {
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
  ~RawReceiver() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }
  RawReceiver(const RawReceiver&) = delete;
  RawReceiver& operator=(const RawReceiver&) = delete;

  std::string Url(const std::string& rest = "/api/v1/write") const {
    return "http://127.0.0.1:" + std::to_string(port_) + rest;
  }
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  size_t requests() const { return seen().size(); }
  int connections() const { return connections_; }

 private:
  void Serve() {
    while (!stopping_) {
      if (!Readable(listener_)) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      while (ServeOne(fd)) continue;
      close(fd);
    }
  }

  static bool Readable(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return poll(&waiting, 1, 10) > 0;
  }

  // More bytes onto `text`; false where there are none and never will be.
  bool Receive(int fd, std::string& text) const {
    while (!Readable(fd)) {
      if (stopping_) return false;
    }
    char buffer[65536];
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  bool ServeOne(int fd) {
    Seen seen;
    seen.connection = connections_;
    size_t end = std::string::npos;
    while ((end = seen.head.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive(fd, seen.head)) return false;
    }
    seen.body = seen.head.substr(end + 4);
    seen.head.resize(end + 2);
    const size_t length = seen.head.find("Content-Length: ");
    if (length == std::string::npos) return false;
    const size_t size = std::strtoul(seen.head.c_str() + length + 16, nullptr, 10);
    while (seen.body.size() < size) {
      if (!Receive(fd, seen.body)) return false;
    }
    size_t before = 0;
    {
      const std::lock_guard lock(mutex_);
      before = seen_.size();
      seen_.push_back(seen);
    }
    const Reply reply = answer_(seen, before);
    if (!Send(fd, reply.bytes)) return false;
    while (!reply.again.empty() && !stopping_) {
      if (!Send(fd, reply.again)) return false;
    }
    return !reply.close;
  }

  static bool Send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  const Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::thread thread_;
};

// An answer with that status.
inline RawReceiver::Reply WithStatus(int status, const std::string& headers = "",
                                     const std::string& body = "") {
  return {"HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
          (status == 204 ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
          "\r\n" + body};
}

// The numbers of SenderRun::Offer that it was sent, in order.
inline std::vector<int> Numbers(const RawReceiver& receiver) {
  std::vector<int> numbers;
  for (const RawReceiver::Seen& seen : receiver.seen()) {
    const auto decoded = DecodeWriteRequest(seen.body);
    numbers.push_back(static_cast<int>(decoded.series.at(0).samples.at(0).second));
  }
  return numbers;
}

}  // namespace haidang::testing
