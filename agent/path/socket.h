#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/path/address.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Owns a file descriptor; -1: none.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd();
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

enum class WatchFor { kReadable, kWritable };

// Calls `ready` on the loop thread while the socket can be read (or written), or holds an error:
// the caller takes what there is until nothing is left. Must be destroyed before its socket is
// closed; `ready` may destroy it. Loop thread only.
class Watch {
 public:
  Watch(Loop& loop, int fd, WatchFor what, std::function<void()> ready);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  struct State;
  State* state_;
};

// A non-blocking datagram socket that has the kernel mark the time at which packets come; none
// where it is not allowed.
Fd OpenDatagram(int family, int protocol);

// A packet, or an error that the network told about one of ours.
struct Datagram {
  std::string_view bytes;  // of a packet that came, or what the error quotes of ours; in `buffer`
  Address address;         // whom it came from; of an error, whom ours was for
  int64_t age_ns = 0;      // since the kernel took it in; 0 where the kernel does not say
  int error = 0;           // errno; 0: it is a packet
  uint32_t told_mtu = 0;   // bytes, of the error EMSGSIZE
  bool local = false;      // the error is this machine's own word
};

// The next packet, cut to the buffer, or the socket's own error (as of a port where nobody
// listens), or nothing.
std::optional<Datagram> ReceivePacket(int fd, char* buffer, size_t size);
// The next error of the socket's queue (IP_RECVERR), or nothing.
std::optional<Datagram> ReceiveError(int fd, char* buffer, size_t size);

}  // namespace haidang::agent
