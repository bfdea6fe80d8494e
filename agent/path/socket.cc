#include "agent/path/socket.h"

#include <linux/errqueue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace haidang::agent {
namespace {

int64_t Ns(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// How long ago the kernel took a packet in that it marked with the wall clock's time.
int64_t AgeOf(const timespec& mark) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::max<int64_t>(Ns(now) - Ns(mark), 0);
}

void ReadControl(msghdr& message, Datagram& datagram) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec mark{};
      std::memcpy(&mark, CMSG_DATA(part), sizeof mark);
      datagram.age_ns = AgeOf(mark);
    } else if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
               (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR)) {
      sock_extended_err told{};
      std::memcpy(&told, CMSG_DATA(part), sizeof told);
      datagram.error = static_cast<int>(told.ee_errno);
      datagram.local = told.ee_origin == SO_EE_ORIGIN_LOCAL;
      if (datagram.error == EMSGSIZE) datagram.told_mtu = told.ee_info;
    }
  }
}

// Nothing, with errno, where nothing came.
std::optional<Datagram> Receive(int fd, int flags, char* buffer, size_t size) {
  Datagram datagram;
  iovec part{buffer, size};
  alignas(cmsghdr) char control[512];
  msghdr message{};
  message.msg_name = datagram.address.data();
  message.msg_namelen = Address::capacity();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
  if (count < 0) return std::nullopt;
  datagram.bytes = {buffer, static_cast<size_t>(count)};
  ReadControl(message, datagram);
  return datagram;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

// Frees itself once libuv has let go of it; calls that come after the Watch's end do nothing.
struct Watch::State {
  uv_poll_t handle{};
  int events = 0;
  std::function<void()> ready;

  void Start() {
    uv_poll_start(&handle, events, [](uv_poll_t* poll, int status, int) {
      auto* self = static_cast<State*>(poll->data);
      // libuv stops watching a socket that holds an error; there may be more to come.
      if (status < 0) self->Start();
      const auto call = self->ready;  // which may destroy the Watch
      call();
    });
  }
};

Watch::Watch(Loop& loop, int fd, WatchFor what, std::function<void()> ready) : state_(new State) {
  state_->events = what == WatchFor::kReadable ? UV_READABLE : UV_WRITABLE;
  state_->ready = std::move(ready);
  state_->handle.data = state_;
  uv_poll_init_socket(static_cast<uv_loop_t*>(loop.native()), &state_->handle, fd);
  state_->Start();
}

Watch::~Watch() {
  uv_poll_stop(&state_->handle);
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

Fd OpenDatagram(int family, int protocol) {
  Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  const int on = 1;
  if (fd) setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  return fd;
}

std::optional<Datagram> ReceivePacket(int fd, char* buffer, size_t size) {
  if (auto packet = Receive(fd, 0, buffer, size)) return packet;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  Datagram failed;
  failed.error = errno;
  return failed;
}

std::optional<Datagram> ReceiveError(int fd, char* buffer, size_t size) {
  return Receive(fd, MSG_ERRQUEUE, buffer, size);
}

}  // namespace haidang::agent
