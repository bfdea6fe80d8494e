#include "server/http/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace haidang::server {
namespace {

using std::chrono::steady_clock;

// Poll's events of `fd` within `patience`; 0 when it is over.
short Await(int fd, short events, std::chrono::milliseconds patience) {
  pollfd entry{fd, events, 0};
  int count = 0;
  do {
    count = ::poll(&entry, 1, static_cast<int>(patience.count()));
  } while (count < 0 && errno == EINTR);
  return count > 0 ? entry.revents : static_cast<short>(0);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

bool HeadStream::is_writable() const {
  const short gone = POLLERR | POLLHUP | POLLRDHUP;
  return (Await(fd_, POLLRDHUP, std::chrono::milliseconds(0)) & gone) == 0;
}

ssize_t HeadStream::read(char* ptr, size_t size) {
  const size_t count = std::min(size, head_.size());
  std::memcpy(ptr, head_.data(), count);
  head_.remove_prefix(count);
  return static_cast<ssize_t>(count);
}

ssize_t HeadStream::write(const char* ptr, size_t size) {
  const auto deadline = steady_clock::now() + patience_;
  size_t sent = 0;
  while (sent < size) {
    const ssize_t count = ::send(fd_, ptr + sent, size - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0 || (Await(fd_, POLLOUT, left) & POLLOUT) == 0) return -1;
  }
  return static_cast<ssize_t>(sent);
}

// Addresses are of no use to any handler.
void HeadStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void HeadStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace haidang::server
