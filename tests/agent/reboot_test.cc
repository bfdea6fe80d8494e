#include "agent/reboot.h"

#include <sys/stat.h>
#include <utime.h>
#include <utmp.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/sources/wtmp.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::TempDir;

namespace {

constexpr int64_t kBootS = 1'767'573'000;

std::string Record(short type, const char* user, int64_t seconds) {
  utmp record{};
  record.ut_type = type;
  std::strncpy(record.ut_user, user, sizeof record.ut_user);
  record.ut_tv.tv_sec = static_cast<int32_t>(seconds);
  return {reinterpret_cast<const char*>(&record), sizeof record};
}
std::string Boot(int64_t seconds) { return Record(BOOT_TIME, "reboot", seconds); }
std::string ShutDown(int64_t seconds) { return Record(RUN_LVL, "shutdown", seconds); }
std::string LogIn(int64_t seconds) { return Record(USER_PROCESS, "shutdown", seconds); }

// A machine, and the agent's state on it.
class Host {
 public:
  // Tells what the agent would at a start in the boot `id`.
  std::string Start(uint64_t id, const std::string& kernel = "6.1.0-25-amd64") {
    const auto event = TellReboot(root(), state_.path(),
                                  {.boot_id = id, .kernel = kernel, .booted_ms = kBootS * 1000});
    REQUIRE(event.ok());
    if (!*event) return "";
    CHECK((*event)->kind == "machine_booted");
    CHECK((*event)->time_ms == kBootS * 1000);
    return (*event)->text;
  }

  // A second boot, after which the machine has `records` of logins.
  std::string Reboot(const std::string& records) {
    CHECK(Start(1).empty());
    Write("var/log/wtmp", records);
    return Start(2);
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root() + path).parent_path());
    std::ofstream(root() + path) << text;
  }
  std::string root() const { return machine_.path() + "/"; }
  std::string state() const { return state_.path(); }

 private:
  TempDir machine_, state_;
};

}  // namespace

TEST_CASE("the newest boot in the record of logins") {
  CHECK_FALSE(ParseWtmp(""));
  CHECK_FALSE(ParseWtmp("short"));
  CHECK_FALSE(ParseWtmp(LogIn(1) + ShutDown(2)));
  auto boot = ParseWtmp(Boot(1) + ShutDown(5) + Boot(9) + LogIn(10) + ShutDown(12) + LogIn(13));
  REQUIRE(boot);
  CHECK(boot->booted_s == 9);
  CHECK(boot->shut_down_s == 5);
  CHECK(boot->has_before);
  boot = ParseWtmp("cut" + Boot(1) + LogIn(5) + Boot(9));
  REQUIRE(boot);
  CHECK_FALSE(boot->shut_down_s);
  CHECK(boot->has_before);
  boot = ParseWtmp(LogIn(5) + Boot(9));
  REQUIRE(boot);
  CHECK_FALSE(boot->has_before);
}

TEST_CASE("a boot is told once, and not at the agent's first start") {
  Host host;
  CHECK(host.Start(1).empty());
  CHECK(host.Start(1).empty());
  CHECK(host.Start(2) == "unknown: /var/log/wtmp does not tell of this boot");
  CHECK(host.Start(2).empty());
  CHECK(host.Start(3, "6.1.0-26-amd64") ==
        "unknown: /var/log/wtmp does not tell of this boot; kernel 6.1.0-26-amd64, was "
        "6.1.0-25-amd64");
}

TEST_CASE("why a machine was booted") {
  Host host;
  SECTION("it was shut down") {
    const std::string text =
        host.Reboot(Boot(kBootS - 90'000) + ShutDown(kBootS - 60) + Boot(kBootS + 5));
    CHECK(text.starts_with("orderly: shut down at 202"));
  }
  SECTION("it was not") {
    CHECK(host.Reboot(Boot(kBootS - 90'000) + LogIn(kBootS - 80'000) + Boot(kBootS - 5)) ==
          "abrupt: it was not shut down (power cut, reset or crash)");
  }
  SECTION("nothing stands before") {
    CHECK(host.Reboot(Boot(kBootS)) == "unknown: /var/log/wtmp begins with this boot");
  }
  SECTION("the record is of another boot") {
    CHECK(host.Reboot(Boot(kBootS - 90'000) + Boot(kBootS - 5000)).starts_with("unknown: "));
  }
  SECTION("the kernel left its last messages") {
    host.Write("sys/fs/pstore/dmesg-efi-1", "Oops");
    CHECK(host.Reboot(Boot(kBootS - 90'000) + Boot(kBootS)) ==
          "kernel_crash: the kernel's last messages are in /sys/fs/pstore/dmesg-efi-1");
  }
  SECTION("systemd put them aside, after this boot and long before") {
    const std::string directory = "var/lib/systemd/pstore/";
    for (const auto& [name, time] : std::initializer_list<std::pair<const char*, int64_t>>{
             {"1700000000", kBootS - 5000}, {"1767573000", kBootS + 3}}) {
      host.Write(directory + name, "Oops");
      const utimbuf times{time, time};
      REQUIRE(utime((host.root() + directory + name).c_str(), &times) == 0);
    }
    CHECK(host.Reboot(Boot(kBootS)) ==
          "kernel_crash: the kernel's last messages are in /var/lib/systemd/pstore/1767573000");
  }
}

TEST_CASE("what the agent remembers may be damaged, or refuse to be written") {
  Host host;
  CHECK(host.Start(1).empty());
  for (const char* damaged : {"", "\n", "00", "zz00000000000001 6.1\n", "0000000000000001"}) {
    std::ofstream(host.state() + "/boot") << damaged;
    INFO(damaged);
    CHECK(host.Start(1).empty());
  }
  const auto refused = TellReboot(host.root(), host.state() + "/none",
                                  {.boot_id = 5, .kernel = "6.1", .booted_ms = 1});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("/none/boot") != std::string::npos);
}

TEST_CASE("what is known of the machine's boot") {
  Host host;
  haidang::testing::FakeClock clock;
  CHECK_FALSE(ReadBootFacts(host.root(), clock).ok());
  host.Write("proc/sys/kernel/random/boot_id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n");
  host.Write("proc/sys/kernel/osrelease", "6.1.0-25-amd64\n");
  const auto facts = ReadBootFacts(host.root(), clock);
  REQUIRE(facts.ok());
  CHECK(facts->kernel == "6.1.0-25-amd64");
  CHECK(facts->booted_ms == clock.WallMs() - clock.SinceBootMs());
}
