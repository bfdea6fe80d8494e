#include "core/io/http/front.h"

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

#include "core/io/http/listener.h"
#include "core/io/http/reply.h"
#include "core/io/thread.h"

namespace haidang::http {
namespace {

constexpr int kTickMs = 250;  // how late a deadline may be noticed
constexpr int kAcceptAtOnce = 16;

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

// One attempt to tell why; a client that does not take it just sees the end of the connection.
void Refuse(int fd, int status) {
  const std::string reason(ReasonOf(status));
  const std::string body = R"({"error":{"code":"refused","message":")" + reason + "\"}}";
  const std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + reason +
      "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
      "X-Content-Type-Options: nosniff\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  EndPolitely(fd);
}

// The address without the port.
std::string AddressOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    return {reinterpret_cast<const char*>(&v6), sizeof(v6)};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  return {reinterpret_cast<const char*>(&v4), sizeof(v4)};
}

}  // namespace

Result<std::unique_ptr<Front>> Front::Listen(const FrontOptions& options) {
  Result<Socket> listener = OpenListener(options.listen);
  if (!listener) return listener.error();
  Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  Socket wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (epoll.fd() < 0 || wake.fd() < 0) {
    return Error{std::string("cannot wait for connections: ") + std::strerror(errno)};
  }
  Watch(epoll.fd(), listener->fd());
  Watch(epoll.fd(), wake.fd());
  const uint16_t port = PortOf(*listener);
  return std::unique_ptr<Front>(
      new Front(options, std::move(*listener), port, std::move(epoll), std::move(wake)));
}

Front::Front(FrontOptions options, Socket listener, uint16_t port, Socket epoll, Socket wake)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      port_(port),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      workers_(options_.max_threads, options_.reserved_threads) {}

Front::~Front() { Stop(); }

void Front::Start(Handlers handlers) {
  handlers_ = std::move(handlers);
  thread_ = StartThread([this] { Run(); });
}

void Front::Stop() {
  stopping_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [fd, outlet] : answering_) ::shutdown(fd, SHUT_RDWR);
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
    DropStuck();
    if (accept_again_ != Clock::time_point{} && Clock::now() >= accept_again_) {
      accept_again_ = {};
      Watch(epoll_.fd(), listener_.fd());
    }
    if (handlers_.connections) handlers_.connections(Count());
  }
}

size_t Front::Count() {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + dispatched_ + returned_.size();
}

// A few at a time: those that were accepted are heard before the next crowd comes.
void Front::Accept() {
  for (int i = 0; i < kAcceptAtOnce && AcceptOne(); ++i) {
  }
}

// False where nobody waits to be accepted.
bool Front::AcceptOne() {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  Socket socket(::accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.fd() < 0) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EMFILE || errno == ENFILE) {  // not a busy loop until descriptors come back
      epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, listener_.fd(), nullptr);
      accept_again_ = Clock::now() + std::chrono::milliseconds(100);
    }
    return false;
  }
  Peer peer = PeerOf(AddressOf(address));
  if (!MakeRoom(peer)) return true;
  const int on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Wait({std::move(socket), std::move(peer)}, "", Clock::now() + options_.head_patience);
  return true;
}

Front::Peer Front::PeerOf(const std::string& address) {
  std::erase_if(peers_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = peers_[address];
  Peer peer = known.lock();
  if (peer == nullptr) {
    peer = std::make_shared<const std::string>(address);
    known = peer;
  }
  return peer;
}

// `peer` counts itself. False where everybody is being answered.
bool Front::MakeRoom(const Peer& peer) {
  const auto others = static_cast<size_t>(peer.use_count() - 1);
  if (others >= options_.max_connections_of_peer && !DropLongestWaiting(peer.get())) return false;
  return Count() < options_.max_connections || DropLongestWaiting(nullptr);
}

void Front::Wait(Connection connection, std::string bytes, Clock::time_point deadline) {
  const int fd = connection.socket.fd();
  Watch(epoll_.fd(), fd);
  waiting_.insert_or_assign(fd, Waiting{std::move(connection), std::move(bytes), deadline, {}});
}

void Front::Receive(int fd) {
  const auto it = waiting_.find(fd);
  if (it == waiting_.end()) return;
  Waiting& waiting = it->second;
  std::array<char, 16384> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    waiting_.erase(it);
    return;
  }
  if (waiting.bytes.empty() && !waiting.head) {
    waiting.deadline = Clock::now() + options_.head_patience;
  }
  waiting.bytes.append(buffer.data(), static_cast<size_t>(got));
  if (!Judge(waiting)) waiting_.erase(fd);
}

bool Front::Judge(Waiting& waiting) {
  const int fd = waiting.connection.socket.fd();
  if (!waiting.head) {
    HeadVerdict verdict = JudgeHead(waiting.bytes);
    if (verdict.status != 0) {
      Refuse(fd, verdict.status);
      return false;
    }
    if (verdict.used == 0) return true;
    waiting.bytes.erase(0, verdict.used);
    waiting.head = std::move(verdict.head);
    if (!JudgeBody(waiting)) return false;
  }
  if (waiting.bytes.size() < waiting.head->body_bytes) return true;
  epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr);
  Dispatch(std::move(waiting_.extract(fd).mapped()));
  return true;
}

// Decides whether the body that the head announces is waited for. One that is not ends its
// connection with the answer.
bool Front::JudgeBody(Waiting& waiting) {
  Head& head = *waiting.head;
  const int fd = waiting.connection.socket.fd();
  if (head.body_bytes == 0 && !head.chunked) return true;
  if (options_.max_body_bytes == 0 || !handlers_.takes_body(head)) {
    head.keep_alive = false;
    head.body_bytes = 0;
    return true;
  }
  if (head.chunked || head.body_bytes > options_.max_body_bytes) {
    Refuse(fd, head.chunked ? 411 : 413);
    return false;
  }
  waiting.deadline = Clock::now() + options_.body_patience;
  if (head.expects_continue) {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    ::send(fd, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL);
  }
  return true;
}

void Front::Dispatch(Waiting waiting) {
  const bool urgent = handlers_.urgent(*waiting.head);
  std::string rest = waiting.bytes.substr(waiting.head->body_bytes);
  waiting.bytes.resize(waiting.head->body_bytes);
  {
    const std::lock_guard lock(mutex_);
    ++dispatched_;
  }
  // A job is copied; what it owns is not.
  auto held = std::make_shared<Waiting>(std::move(waiting));
  workers_.Run(
      [this, held, rest = std::move(rest)]() mutable {
        Answer(std::move(held->connection), *held->head, std::move(held->bytes), std::move(rest));
      },
      urgent);
}

// On a worker's thread.
void Front::Answer(Connection connection, const Head& head, std::string body, std::string rest) {
  const int fd = connection.socket.fd();
  Outlet outlet(fd, options_.answer_patience);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    answering_.emplace(fd, &outlet);
  }
  const bool may_stay = head.keep_alive && ++connection.requests < options_.max_requests;
  const bool stays = handlers_.answer(head, std::move(body), outlet, may_stay) && may_stay;
  if (!stays) EndPolitely(fd);
  const std::lock_guard lock(mutex_);
  answering_.erase(fd);
  --dispatched_;
  if (!stays || stopping_) return;
  returned_.push_back(
      {std::move(connection), std::move(rest), Clock::now() + options_.idle_patience, {}});
  Wake();
}

void Front::TakeBack() {
  std::vector<Waiting> returned;
  {
    const std::lock_guard lock(mutex_);
    returned.swap(returned_);
  }
  for (Waiting& waiting : returned) {
    const int fd = waiting.connection.socket.fd();
    const bool more = !waiting.bytes.empty();
    if (more) waiting.deadline = Clock::now() + options_.head_patience;
    Wait(std::move(waiting.connection), std::move(waiting.bytes), waiting.deadline);
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
    if (it->second.head || !it->second.bytes.empty()) Refuse(it->first, 408);
    it = waiting_.erase(it);
  }
}

// Each request that waits for a thread gets that of one reader that does not take its answer, the
// slowest first.
void Front::DropStuck() {
  size_t needed = workers_.waiting();
  if (needed == 0) return;
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::chrono::milliseconds, int>> stuck;
  for (const auto& [fd, outlet] : answering_) {
    if (const auto time = outlet->stuck(); time >= options_.stuck_patience) {
      stuck.emplace_back(time, fd);
    }
  }
  std::sort(stuck.rbegin(), stuck.rend());
  for (const auto& [time, fd] : stuck) {
    if (needed-- == 0) return;
    ::shutdown(fd, SHUT_RDWR);
  }
}

// Of all, or of one address; false where nobody waits.
bool Front::DropLongestWaiting(const std::string* peer) {
  auto longest = waiting_.end();
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (peer != nullptr && it->second.connection.peer.get() != peer) continue;
    if (longest == waiting_.end() || it->second.deadline < longest->second.deadline) longest = it;
  }
  if (longest == waiting_.end()) return false;
  waiting_.erase(longest);
  return true;
}

}  // namespace haidang::http
