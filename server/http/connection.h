#pragma once

#include <httplib.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace haidang::server {

// A client's socket, owned. Non-blocking.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// What cpp-httplib reads a request from and writes its answer to: a head that was received and
// judged before, and a socket whose peer may be slow, gone or hostile. One thread.
class HeadStream final : public httplib::Stream {
 public:
  // Each write must be taken by the peer within `patience`. `head` and the socket must outlive it.
  HeadStream(std::string_view head, int fd, std::chrono::milliseconds patience)
      : head_(head), fd_(fd), patience_(patience) {}

  bool is_readable() const override { return !head_.empty(); }
  // False as well when the peer has gone.
  bool is_writable() const override;
  ssize_t read(char* ptr, size_t size) override;
  ssize_t write(const char* ptr, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_; }

 private:
  std::string_view head_;
  int fd_;
  std::chrono::milliseconds patience_;
};

}  // namespace haidang::server
