#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <string>

#include "core/io/service_manager.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::TempDir;

namespace {

// The manager's end of the socket: "/path" or "@name".
class Ear {
 public:
  explicit Ear(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
  }
  ~Ear() { close(fd_); }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  // The next message; "" where there is none.
  std::string Next() {
    char text[4096];
    const ssize_t size = recv(fd_, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<size_t>(size)) : "";
  }

 private:
  int fd_ = -1;
};

struct Environment {
  Environment(const char* socket, const char* usec, const char* pid) {
    setenv("NOTIFY_SOCKET", socket, 1);
    setenv("WATCHDOG_USEC", usec, 1);
    setenv("WATCHDOG_PID", pid, 1);
  }
  ~Environment() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
};

}  // namespace

TEST_CASE("service manager: what it wishes is taken out of the environment") {
  const std::string own = std::to_string(getpid());
  const Environment environment("/run/notify", "120000000", own.c_str());
  const auto wishes = ServiceManager::TakeWishes();
  CHECK(wishes.socket == "/run/notify");
  CHECK(wishes.watchdog == 120s);
  CHECK(getenv("NOTIFY_SOCKET") == nullptr);
  CHECK(getenv("WATCHDOG_USEC") == nullptr);
  CHECK(getenv("WATCHDOG_PID") == nullptr);
  CHECK(ServiceManager::TakeWishes().socket.empty());
}

TEST_CASE("service manager: a watchdog that is another process's, or no time, is none") {
  for (const auto& [usec, pid] :
       {std::pair{"1000000", "1"}, std::pair{"1000000", "x"}, std::pair{"soon", ""},
        std::pair{"-1", ""}, std::pair{"", ""}, std::pair{"99999999999999999999", ""},
        std::pair{"18446744073709551615", ""}}) {
    INFO(usec << " " << pid);
    const Environment environment("/run/notify", usec, pid);
    CHECK(ServiceManager::TakeWishes().watchdog == 0us);
  }
}

TEST_CASE("service manager: is told of the start, twice in the watchdog's time, and of the end") {
  const TempDir directory;
  const std::string abstract = "@haidang-test-" + std::to_string(getpid());
  for (const std::string& name : {directory / "notify", abstract}) {
    INFO(name);
    Ear ear(name);
    FakeClock clock;
    FakeLoop loop(clock);
    ServiceManager manager({.socket = name, .watchdog = 60s});
    CHECK(ear.Next().empty());
    bool alive = true;
    const auto watchdog = manager.Works(loop, [&alive] { return alive; });
    CHECK(ear.Next() == "READY=1\nSTATUS=\nWATCHDOG=1");
    loop.Advance(29s);
    CHECK(ear.Next().empty());
    loop.Advance(1s);
    CHECK(ear.Next() == "WATCHDOG=1");
    loop.Advance(30s);
    CHECK(ear.Next() == "WATCHDOG=1");
    alive = false;
    loop.Advance(120s);
    CHECK(ear.Next().empty());
    alive = true;
    loop.Advance(30s);
    CHECK(ear.Next() == "WATCHDOG=1");
    manager.Stops();
    CHECK(ear.Next() == "STOPPING=1");
  }
}

TEST_CASE("service manager: one that waits says why, in one line") {
  const TempDir directory;
  Ear ear(directory / "notify");
  ServiceManager manager({.socket = directory / "notify"});
  manager.Waits("the disk\nREADY=0 is full");
  CHECK(ear.Next() == "READY=1\nSTATUS=the disk READY=0 is full\nWATCHDOG=1");
  manager.Waits(std::string(100'000, 'x'));
  CHECK(ear.Next().size() < 1000);
}

TEST_CASE("service manager: without a watchdog there is no timer") {
  const TempDir directory;
  Ear ear(directory / "notify");
  FakeClock clock;
  FakeLoop loop(clock);
  ServiceManager manager({.socket = directory / "notify"});
  CHECK(manager.Works(loop) == nullptr);
  CHECK(ear.Next() == "READY=1\nSTATUS=\nWATCHDOG=1");
  loop.Advance(1h);
  CHECK(ear.Next().empty());
}

TEST_CASE(
    "service manager: one that cannot be reached changes nothing, and hears what comes later") {
  const TempDir directory;
  FakeClock clock;
  FakeLoop loop(clock);
  ServiceManager manager({.socket = directory / "later", .watchdog = 60s});
  const auto watchdog = manager.Works(loop);
  loop.Advance(30s);
  Ear ear(directory / "later");
  loop.Advance(30s);
  CHECK(ear.Next() == "WATCHDOG=1");
}

TEST_CASE("service manager: none, or names that are no socket's") {
  for (const std::string& name :
       {std::string(), std::string("relative"), std::string("/"), "/" + std::string(200, 'x')}) {
    INFO(name);
    FakeClock clock;
    FakeLoop loop(clock);
    ServiceManager manager({.socket = name, .watchdog = 60s});
    std::unique_ptr<Timer> watchdog;
    CHECK_NOTHROW(watchdog = manager.Works(loop));
    CHECK_NOTHROW(loop.Advance(120s));
    CHECK_NOTHROW(manager.Stops());
  }
}
