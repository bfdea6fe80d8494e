#include "server/http/front.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/log.h"
#include "server/http/head.h"

namespace haidang::server {
namespace {

constexpr int kBacklog = 256;
constexpr int kTickMs = 250;  // how late a deadline may be noticed

Error ListenError(const HostPort& address, int error) {
  std::string hint;
  if (error == EADDRINUSE)
    hint = "; another program has the port: choose another in [server] listen";
  if (error == EACCES) hint = "; ports below 1024 need a right that this program does not have";
  if (error == EADDRNOTAVAIL) hint = "; this machine does not have that address";
  return Error{"cannot listen on " + ToString(address) + ": " + std::strerror(error) + hint};
}

Result<Socket> Bind(const HostPort& address) {
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

uint16_t PortOf(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

void Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// What the client still sends is taken (a little of it): unread bytes would make the kernel reset
// the connection, and our answer be lost.
void EndPolitely(int fd) {
  ::shutdown(fd, SHUT_WR);
  char rest[16384];
  for (int i = 0; i < 16 && ::recv(fd, rest, sizeof(rest), 0) > 0; ++i) {
  }
}

const char* Reason(int status) {
  switch (status) {
    case 408:
      return "Request Timeout";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

}  // namespace

Result<std::unique_ptr<Front>> Front::Listen(const FrontOptions& options) {
  Result<Socket> listener = Bind(options.listen);
  if (!listener) return listener.error();
  Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  Socket wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (epoll.fd() < 0 || wake.fd() < 0) {
    return Error{std::string("cannot wait for connections: ") + std::strerror(errno)};
  }
  Watch(epoll.fd(), listener->fd());
  Watch(epoll.fd(), wake.fd());
  const uint16_t port = PortOf(listener->fd());
  return std::unique_ptr<Front>(
      new Front(options, std::move(*listener), port, std::move(epoll), std::move(wake)));
}

Front::Front(FrontOptions options, Socket listener, uint16_t port, Socket epoll, Socket wake)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      port_(port),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      workers_(options_.max_threads) {}

Front::~Front() { Stop(); }

void Front::Start(Handler handler, std::function<void(size_t)> count_changed) {
  handler_ = std::move(handler);
  count_changed_ = std::move(count_changed);
  thread_ = std::thread([this] { Run(); });
}

void Front::Stop() {
  stopping_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : answering_) ::shutdown(fd, SHUT_RDWR);
  }
  workers_.Stop();
  waiting_.clear();
  const std::lock_guard lock(mutex_);
  returned_.clear();
}

void Front::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.fd(), &one, sizeof(one));
}

void Front::Run() {
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count =
        epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), kTickMs);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener_.fd()) {
        Accept();
      } else if (fd == wake_.fd()) {
        uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake_.fd(), &ignored, sizeof(ignored));
      } else {
        Receive(fd);
      }
    }
    TakeBack();
    DropLate();
    if (accept_again_ != Clock::time_point{} && Clock::now() >= accept_again_) {
      accept_again_ = {};
      Watch(epoll_.fd(), listener_.fd());
    }
    count_changed_(Count());
  }
}

size_t Front::Count() {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + answering_.size() + returned_.size();
}

void Front::Accept() {
  while (true) {
    Socket socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE) {  // not a busy loop until descriptors come back
        epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
        accept_again_ = Clock::now() + std::chrono::milliseconds(100);
      }
      return;
    }
    const int on = 1;
    setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (Count() >= options_.max_connections) {
      if (waiting_.empty()) continue;
      DropLongestWaiting();
    }
    Wait(std::move(socket), "", Clock::now() + options_.head_patience);
  }
}

void Front::Wait(Socket socket, std::string bytes, Clock::time_point deadline) {
  const int fd = socket.fd();
  Watch(epoll_.fd(), fd);
  waiting_.insert_or_assign(fd, Waiting{std::move(socket), std::move(bytes), deadline});
}

void Front::Receive(int fd) {
  const auto it = waiting_.find(fd);
  if (it == waiting_.end()) return;
  Waiting& waiting = it->second;
  char buffer[4096];
  const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    waiting_.erase(it);
    return;
  }
  if (waiting.bytes.empty()) waiting.deadline = Clock::now() + options_.head_patience;
  waiting.bytes.append(buffer, static_cast<size_t>(got));
  if (!Judge(waiting)) waiting_.erase(fd);
}

bool Front::Judge(Waiting& waiting) {
  HeadVerdict verdict = JudgeHead(waiting.bytes);
  if (verdict.status != 0) {
    Refuse(waiting.socket.fd(), verdict.status);
    return false;
  }
  if (verdict.used == 0) return true;
  epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, waiting.socket.fd(), nullptr);
  const int fd = waiting.socket.fd();
  std::string rest = waiting.bytes.substr(verdict.used);
  Socket socket = std::move(waiting.socket);
  waiting_.erase(fd);
  Dispatch(std::move(socket), std::move(verdict.head), std::move(rest), verdict.keep_alive);
  return true;
}

// One attempt to tell why; a client that does not take it just sees the end of the connection.
void Front::Refuse(int fd, int status) {
  const std::string body =
      std::string(R"({"error":{"code":"refused","message":")") + Reason(status) + "\"}}";
  const std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + Reason(status) +
      "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
      "X-Content-Type-Options: nosniff\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  EndPolitely(fd);
}

void Front::Dispatch(Socket socket, std::string head, std::string rest, bool keep_alive) {
  const int fd = socket.fd();
  {
    const std::lock_guard lock(mutex_);
    answering_.insert(fd);
  }
  auto owned = std::make_shared<Socket>(std::move(socket));
  workers_.Run([this, fd, owned, keep_alive, head = std::move(head), rest = std::move(rest)] {
    const bool keep = handler_(head, fd, keep_alive) && keep_alive;
    if (!keep) EndPolitely(fd);
    const std::lock_guard lock(mutex_);
    answering_.erase(fd);
    if (keep && !stopping_) {
      returned_.push_back({std::move(*owned), rest, Clock::now() + options_.idle_patience});
      Wake();
    } else {
      *owned = Socket();
    }
  });
}

void Front::TakeBack() {
  std::vector<Waiting> returned;
  {
    const std::lock_guard lock(mutex_);
    returned.swap(returned_);
  }
  for (Waiting& waiting : returned) {
    const int fd = waiting.socket.fd();
    const bool more = !waiting.bytes.empty();
    Wait(std::move(waiting.socket), std::move(waiting.bytes), waiting.deadline);
    if (more && !Judge(waiting_.at(fd))) waiting_.erase(fd);
  }
}

void Front::DropLate() {
  const auto now = Clock::now();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    if (!it->second.bytes.empty()) Refuse(it->first, 408);
    it = waiting_.erase(it);
  }
}

void Front::DropLongestWaiting() {
  waiting_.erase(std::min_element(
      waiting_.begin(), waiting_.end(),
      [](const auto& a, const auto& b) { return a.second.deadline < b.second.deadline; }));
}

}  // namespace haidang::server
