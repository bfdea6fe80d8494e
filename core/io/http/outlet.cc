#include "core/io/http/outlet.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace haidang::http {
namespace {

constexpr size_t kPieceBytes = 256U << 10;

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

bool Outlet::Write(std::string_view bytes) {
  while (!bytes.empty() && !failed_) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    bytes.remove_prefix(piece.size());
    piece_begun_ = Clock::now().time_since_epoch().count();
    failed_ = !WritePiece(piece);
    piece_begun_ = 0;
  }
  return !failed_;
}

bool Outlet::WritePiece(std::string_view bytes) {
  const auto deadline = std::min(deadline_, Clock::now() + patience_.piece);
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || (Await(fd_, POLLOUT, left) & POLLOUT) == 0) return false;
  }
  return true;
}

bool Outlet::Gone() const {
  const short gone = POLLERR | POLLHUP | POLLRDHUP;
  return failed_ || (Await(fd_, POLLRDHUP, std::chrono::milliseconds(0)) & gone) != 0;
}

std::chrono::milliseconds Outlet::stuck() const {
  const Clock::rep begun = piece_begun_;
  if (begun == 0) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch() -
                                                               Clock::duration(begun));
}

}  // namespace haidang::http
