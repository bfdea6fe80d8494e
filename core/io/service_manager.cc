#include "core/io/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "core/log.h"

namespace haidang {
namespace {

constexpr size_t kLongestStatus = 500;  // bytes
constexpr timeval kSendPatience{.tv_sec = 2, .tv_usec = 0};

std::string Take(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

std::optional<uint64_t> Number(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "/path", or "@name" of the abstract namespace; nothing where it is neither or too long.
std::optional<std::pair<sockaddr_un, socklen_t>> AddressOf(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return std::nullopt;
  if (name[0] != '/' && name[0] != '@') return std::nullopt;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  return std::pair(address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
}

// A status is one line.
std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, kLongestStatus));
  for (char& c : line) {
    if (c == '\n' || c == '\0') c = ' ';
  }
  return line;
}

}  // namespace

ServiceManager::Wishes ServiceManager::TakeWishes() {
  Wishes wishes{.socket = Take("NOTIFY_SOCKET")};
  const auto watchdog = Number(Take("WATCHDOG_USEC"));
  const std::string pid = Take("WATCHDOG_PID");  // whose watchdog it is; "": whoever's
  constexpr uint64_t kLongest = 365ULL * 24 * 3600 * 1000000;
  const bool ours = pid.empty() || Number(pid) == static_cast<uint64_t>(getpid());
  if (watchdog && *watchdog <= kLongest && ours) {
    wishes.watchdog = std::chrono::microseconds(*watchdog);
  }
  return wishes;
}

ServiceManager::ServiceManager(Wishes wishes) : wishes_(std::move(wishes)) {
  if (wishes_.socket.empty()) return;
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return;
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kSendPatience, sizeof kSendPatience);
}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) close(socket_);
}

void ServiceManager::Waits(std::string_view why) {
  Tell("READY=1\nSTATUS=" + OneLine(why) + "\nWATCHDOG=1");
}

std::unique_ptr<Timer> ServiceManager::Works(Loop& loop, std::function<bool()> alive) {
  Tell("READY=1\nSTATUS=\nWATCHDOG=1");
  const auto period = std::chrono::duration_cast<std::chrono::milliseconds>(wishes_.watchdog / 2);
  if (wishes_.socket.empty() || period.count() <= 0) return nullptr;
  return loop.Every(period, [this, alive = std::move(alive)] {
    if (alive()) Tell("WATCHDOG=1");
  });
}

void ServiceManager::Stops() { Tell("STOPPING=1"); }

void ServiceManager::Tell(const std::string& message) {
  if (wishes_.socket.empty()) return;
  const auto address = AddressOf(wishes_.socket);
  int error = EINVAL;
  if (address) {
    const ssize_t sent =
        sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address->first), address->second);
    if (std::cmp_equal(sent, message.size())) return;
    error = errno;
  }
  if (std::exchange(failed_, true)) return;
  spdlog::warn("the service manager cannot be told how this program stands (NOTIFY_SOCKET {}): {}",
               wishes_.socket, std::strerror(error));
}

}  // namespace haidang
