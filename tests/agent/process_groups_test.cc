#include "agent/sources/process_groups.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "agent/sources/process_scan.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::Read;
using haidang::testing::TempDir;

namespace {

ProcessGroupOptions Group(const std::string& name, const std::string& program,
                          const std::string& command = "", const std::string& unit = "") {
  return {name, program, command, unit};
}

// A /proc of a test's own.
class Processes {
 public:
  struct One {
    std::string program;
    uint64_t user = 0;
    uint64_t system = 0;
    uint64_t start = 100;
    std::string command = {};
    std::string cgroup = "0::/\n";
    int files = 0;
  };

  Processes() { Write("proc/stat", "cpu0 1 1 1 1\nbtime 1700000000\n"); }

  void Set(int pid, const One& one) {
    const std::string folder = "proc/" + std::to_string(pid) + "/";
    std::filesystem::create_directories(dir_ / (folder + "fd"));
    for (int i = 0; i < one.files; ++i) Write(folder + "fd/" + std::to_string(i), "");
    const auto text = [](uint64_t number) { return std::to_string(number); };
    Write(folder + "stat", std::to_string(pid) + " (" + one.program +
                               ") S 1 1 1 0 -1 4194560 10 0 0 0 " + text(one.user) + " " +
                               text(one.system) + " 0 0 20 0 3 0 " + text(one.start) +
                               " 1000000 25 1 1 1\n");
    Write(folder + "cmdline", one.command);
    Write(folder + "cgroup", one.cgroup);
  }
  void End(int pid) { std::filesystem::remove_all(dir_ / ("proc/" + std::to_string(pid))); }
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir_ / name).parent_path());
    std::ofstream(dir_ / name) << text;
  }
  std::string root() const { return dir_.path() + "/"; }

 private:
  TempDir dir_;
};

}  // namespace

TEST_CASE("the unit of a process, from its control group") {
  CHECK(UnitOf("0::/system.slice/ssh.service\n") == "ssh.service");
  CHECK(UnitOf("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n") == "cron.service");
  CHECK(UnitOf("0::/user.slice/user-0.slice/user@0.service/app.slice/dbus.service\n") ==
        "dbus.service");
  CHECK(UnitOf("0::/system.slice/docker-1.scope/init/x\n") == "docker-1.scope");
  CHECK(UnitOf("0::/\n").empty());
  CHECK(UnitOf("").empty());
  CHECK(UnitOf("\n\n/\n").empty());
}

TEST_CASE("process groups: by program, command line and unit") {
  Processes processes;
  processes.Set(10, {.program = "java",
                     .user = 500,
                     .start = 1000,
                     .command = std::string("java\0-Dcatalina.base=/x\0", 24),
                     .files = 3});
  processes.Set(11, {.program = "java", .command = std::string("java\0-jar\0", 10)});
  processes.Set(12, {.program = "a) (b", .cgroup = "0::/system.slice/pg@15.service\n", .files = 1});
  processes.Set(13, {.program = "sh"});
  FakeClock clock;
  FakeLoop loop(clock);
  const auto source =
      MakeProcessGroupsSource(processes.root(), loop,
                              {Group("java", "java"), Group("tomcat", "", "*catalina*"),
                               Group("db", "", "", "pg@*.service"), Group("none", "oracle")});
  const auto read = [&] {
    source->Prepare();
    loop.RunPosted();
    return Read(*source).values;
  };
  auto values = read();
  CHECK(values.at(R"(haidang_processes{name="java"})") == 2);
  CHECK(values.at(R"(haidang_processes{name="tomcat"})") == 1);
  CHECK(values.at(R"(haidang_processes{name="db"})") == 1);
  CHECK(values.at(R"(haidang_processes{name="none"})") == 0);
  CHECK_FALSE(values.contains(R"(haidang_process_threads{name="none"})"));
  CHECK(values.at(R"(haidang_process_threads{name="java"})") == 6);
  CHECK(values.at(R"(haidang_process_open_fds{name="tomcat"})") == 3);
  CHECK(values.at(R"(haidang_process_resident_memory_bytes{name="java"})") ==
        50.0 * static_cast<double>(sysconf(_SC_PAGESIZE)));
  CHECK(values.at(R"(haidang_process_oldest_start_time_seconds{name="tomcat"})") == 1700000010);
  // What was used before the agent looked is not its business.
  CHECK(values.at(R"(haidang_process_cpu_seconds_total{mode="user",name="java"})") == 0);

  processes.Set(10, {.program = "java", .user = 700, .system = 50, .start = 1000, .files = 3});
  values = read();
  CHECK(values.at(R"(haidang_process_cpu_seconds_total{mode="user",name="java"})") == 2);
  CHECK(values.at(R"(haidang_process_cpu_seconds_total{mode="system",name="java"})") == 0.5);
  CHECK(values.at(R"(haidang_processes{name="tomcat"})") == 1);  // known from before
}

TEST_CASE("process groups: processor time goes on counting when processes end and begin") {
  Processes processes;
  processes.Set(10, {.program = "php", .user = 100});
  ProcessScan scan(processes.root(), {Group("php", "php")});
  const auto user = [&] { return scan.Run().value()[0].user_ticks; };
  CHECK(user() == 0);
  processes.Set(10, {.program = "php", .user = 150});
  processes.Set(20, {.program = "php", .user = 30, .start = 900});
  CHECK(user() == 80);
  processes.End(10);
  CHECK(user() == 80);
  CHECK(scan.Run().value()[0].processes == 1);
  // Another process has its number.
  processes.Set(20, {.program = "php", .user = 5, .start = 5000});
  CHECK(user() == 85);
  // A shell that becomes another program.
  processes.Set(30, {.program = "sh", .user = 7, .start = 6000});
  CHECK(user() == 85);
  processes.Set(30, {.program = "php", .user = 9, .start = 6000});
  CHECK(user() == 87);
  processes.End(20);
  processes.End(30);
  CHECK(user() == 87);
  CHECK(scan.Run().value()[0].processes == 0);
}

TEST_CASE("process groups: what ends while it is read, and what says nothing") {
  Processes processes;
  processes.Set(10, {.program = "php"});
  std::filesystem::create_directories(processes.root() + "proc/11");  // no stat
  processes.Write("proc/12/stat", "12 (php S 1");
  processes.Write("proc/13/stat", "");
  processes.Write("proc/self/stat", "10 (php) S");
  ProcessScan scan(processes.root(), {Group("php", "php")});
  CHECK(scan.Run().value()[0].processes == 1);
  ProcessScan nowhere(processes.root() + "none/", {Group("php", "php")});
  CHECK_FALSE(nowhere.Run().ok());
}

TEST_CASE("process groups: where open files may not be seen, their number is unknown") {
  Processes processes;
  processes.Set(10, {.program = "php", .files = 1});
  ProcessScan scan(processes.root(), {Group("php", "php")});
  CHECK(scan.Run().value()[0].open_files == 1);
  // Root may see everything; a folder that is gone stands for one that may not be read.
  std::filesystem::remove_all(processes.root() + "proc/10/fd");
  CHECK_FALSE(scan.Run().value()[0].open_files.has_value());
  CHECK(scan.Run().value()[0].processes == 1);
}
