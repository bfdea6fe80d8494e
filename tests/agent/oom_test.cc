#include "agent/sources/oom.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/agent/source_reading.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::Read;
using haidang::testing::TempDir;

namespace {

constexpr char kGlobal[] =
    "3,1841,7235123456,-;Out of memory: Killed process 4711 (java) total-vm:8123456kB, "
    "anon-rss:2097152kB, file-rss:0kB, shmem-rss:0kB, UID:110 pgtables:4321kB oom_score_adj:0\n";
constexpr char kGroup[] =
    "3,1842,7235123457,-;Memory cgroup out of memory: Killed process 12 (we(ird) x) "
    "total-vm:12kB, anon-rss:1024kB\n";

// A machine whose kernel counts and logs what a test says.
class Kernel {
 public:
  Kernel() {
    std::filesystem::create_directories(root() + "proc");
    std::filesystem::create_directories(root() + "dev");
    Log("6,1,0,-;Linux version 6.1\n");
  }

  void Count(uint64_t kills) {
    std::ofstream(root() + "proc/vmstat") << "pgfault 7\noom_kill " << kills << "\npgmajfault 1\n";
  }
  void Log(const std::string& records) {
    std::ofstream(root() + "dev/kmsg", std::ios::app) << records;
  }
  std::string root() const { return directory_.path() + "/"; }

 private:
  TempDir directory_;
};

}  // namespace

TEST_CASE("records of the kernel's log that tell of a kill") {
  const auto global = ParseOomRecord(kGlobal);
  REQUIRE(global);
  CHECK(global->process == "java");
  CHECK(global->details == "pid 4711, 2048 MiB");
  CHECK_FALSE(global->of_group);
  const auto group = ParseOomRecord(kGroup);
  REQUIRE(group);
  CHECK(group->process == "we(ird) x");
  CHECK(group->of_group);
  for (const char* other :
       {"", ";", "Killed process 1 (x)", "6,1,2,-;usb 1-1: new device", "6,1,2,-;Killed process",
        "6,1,2,-;Killed process x (y) z", "6,1,2,-;Killed process 1 (y",
        "6,1,2,-;Killed process 99999999999999999999 (y)", " SUBSYSTEM=acpi"}) {
    INFO(other);
    CHECK_FALSE(ParseOomRecord(other));
  }
  CHECK(
      ParseOomRecord("3,1,2,-;Out of memory: Killed process 5 (a\x01\xff) total-vm:1kB")->process ==
      "a?\xEF\xBF\xBD");
}

TEST_CASE("kills are told with what the log says of them, once") {
  Kernel kernel;
  kernel.Log(kGlobal);  // before the agent
  kernel.Count(3);
  const auto source = MakeOomSource(kernel.root());
  CHECK(Read(*source).events.empty());

  kernel.Count(5);
  kernel.Log(std::string("6,9,9,-;something\n SUBSYSTEM=x\n") + kGlobal + kGroup);
  const auto events = Read(*source).events;
  REQUIRE(events.size() == 2);
  CHECK(events[0] ==
        Event{haidang::testing::kNow, "oom_kill", "java", "memory: pid 4711, 2048 MiB"});
  CHECK(events[1] ==
        Event{haidang::testing::kNow, "oom_kill", "we(ird) x", "limit: pid 12, 1 MiB"});
  CHECK(Read(*source).events.empty());
}

TEST_CASE("kills without a word in the log are counted") {
  Kernel kernel;
  kernel.Count(0);
  const auto source = MakeOomSource(kernel.root());
  Read(*source);
  kernel.Count(20);
  for (int i = 0; i < 17; ++i) kernel.Log(kGlobal);
  const auto events = Read(*source).events;
  REQUIRE(events.size() == 17);  // 16 named
  CHECK(events.back().text == "unnamed: 4");

  std::filesystem::remove(kernel.root() + "dev/kmsg");
  const auto blind = MakeOomSource(kernel.root());
  Read(*blind);
  kernel.Count(22);
  CHECK(Read(*blind).events.at(0).text == "unreadable: 2");
}

TEST_CASE("a counter that falls, or is not there, tells nothing") {
  Kernel kernel;
  const auto source = MakeOomSource(kernel.root());
  CHECK(Read(*source).events.empty());
  kernel.Count(7);
  CHECK(Read(*source).events.empty());
  kernel.Count(1);
  CHECK(Read(*source).events.empty());
  std::ofstream(kernel.root() + "proc/vmstat") << "\noom_kill x\n";
  CHECK(Read(*source).events.empty());
  kernel.Count(9);
  CHECK(Read(*source).events.empty());
}
