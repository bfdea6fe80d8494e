#include "agent/sources.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <random>

#include "agent/boot_id.h"
#include "agent/footprint.h"
#include "agent/sources/diskstats.h"
#include "agent/sources/loadavg.h"
#include "agent/sources/meminfo.h"
#include "agent/sources/mounts.h"
#include "agent/sources/netdev.h"
#include "agent/sources/process.h"
#include "agent/sources/stat.h"
#include "agent/sources/text.h"
#include "tests/agent/source_reading.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::kNow;
using haidang::testing::Machine;
using haidang::testing::Read;

namespace {

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A machine below a new directory, with /proc/<file>.
class Scratch {
 public:
  Scratch() {
    char folder[] = "/tmp/haidang-source-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    root_ = std::string(folder) + "/";
    mkdir((root_ + "proc").c_str(), 0700);
  }
  ~Scratch() {
    unlink((root_ + "proc/stat").c_str());
    rmdir((root_ + "proc").c_str());
    rmdir(root_.c_str());
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace

TEST_CASE("cpu: each core and mode in seconds") {
  const auto read = Read(MakeCpuSource(Machine("commune-server"), {}));
  CHECK(read.values.size() == 20);
  CHECK(read.values.at(R"(node_cpu_seconds_total{cpu="0",mode="user"})") == 204.10);
  CHECK(read.values.at(R"(node_cpu_seconds_total{cpu="1",mode="idle"})") == 25804.22);
  CHECK(read.values.at(R"(node_cpu_seconds_total{cpu="1",mode="steal"})") == 0.48);
}

TEST_CASE("cpu: an old kernel, with a CPU that is off") {
  const auto read = Read(MakeCpuSource(Machine("old-kernel"), {}));
  CHECK(read.values.size() == 20);
  CHECK(read.values.contains(R"(node_cpu_seconds_total{cpu="2",mode="user"})"));
  CHECK(read.values.at(R"(node_cpu_seconds_total{cpu="2",mode="steal"})") == 0);
}

TEST_CASE("cpu: machines with many CPUs report the mean") {
  const auto read = Read(MakeCpuSource(Machine("commune-server"), {.per_core_up_to = 1}));
  CHECK(read.values.size() == 10);
  CHECK(read.values.at(R"(node_cpu_seconds_total{cpu="all",mode="user"})") == 203.56);
}

TEST_CASE("cpu: a small step back of a counter is held, a large one is a CPU that came back") {
  const Scratch scratch;
  const auto write = [&](int idle) {
    Write(scratch.root() + "proc/stat", "cpu0 10 0 10 " + std::to_string(idle) + " 0 0 0 0\n");
  };
  const std::string idle = R"(node_cpu_seconds_total{cpu="0",mode="idle"})";
  write(100000);
  const auto source = MakeCpuSource(scratch.root(), {});
  CHECK(Read(*source).values.at(idle) == 1000);
  write(99990);
  CHECK(Read(*source).values.at(idle) == 1000);
  write(100010);
  CHECK(Read(*source).values.at(idle) == 1000.1);
  write(5);
  CHECK(Read(*source).values.at(idle) == 0.05);
}

TEST_CASE("a file of /proc that vanishes is a failure, and its return no surprise") {
  const Scratch scratch;
  const std::string path = scratch.root() + "proc/stat";
  Write(path, "cpu0 1 2 3 4 5 6 7 8\nbtime 5\n");
  const auto source = MakeCpuSource(scratch.root(), {});
  CHECK(Read(*source).values.size() == 10);
  unlink(path.c_str());
  CHECK(Read(*source).error == "cannot read " + path + ": No such file or directory");
  Write(path, "cpu0 1 2 3 4 5 6 7 9\nbtime 5\n");
  CHECK(Read(*source).values.size() == 10);
}

TEST_CASE("loadavg") {
  const auto read = Read(MakeLoadavgSource(Machine("commune-server")));
  CHECK(read.values == std::map<std::string, double>{
                           {"node_load1", 0.42}, {"node_load15", 0.28}, {"node_load5", 0.35}});
}

TEST_CASE("meminfo: fields in bytes; those that a kernel lacks are absent") {
  const auto read = Read(MakeMeminfoSource(Machine("commune-server")));
  CHECK(read.values.size() == 22);  // every line of the file
  CHECK(read.values.at("node_memory_MemTotal_bytes") == 4030184.0 * 1024);
  CHECK(read.values.at("node_memory_MemAvailable_bytes") == 2510912.0 * 1024);
  CHECK(read.values.at("node_memory_Committed_AS_bytes") == 2412312.0 * 1024);
  const auto old = Read(MakeMeminfoSource(Machine("old-kernel")));
  CHECK(old.values.size() == 6);
  CHECK_FALSE(old.values.contains("node_memory_MemAvailable_bytes"));
}

TEST_CASE("diskstats: whole disks, in bytes and seconds") {
  const auto read = Read(MakeDiskstatsSource(Machine("commune-server")));
  CHECK(read.values.size() == 3 * 17 + 11);  // sda, nvme0n1, dm-0; sr0 has fewer numbers
  CHECK(read.values.at(R"(node_disk_read_bytes_total{device="sda"})") == 6724010.0 * 512);
  CHECK(read.values.at(R"(node_disk_io_time_seconds_total{device="sda"})") == 13.868);
  CHECK(read.values.at(R"(node_disk_io_time_weighted_seconds_total{device="sda"})") == 37.3);
  CHECK(read.values.at(R"(node_disk_writes_completed_total{device="nvme0n1"})") == 200);
  CHECK(Read(MakeDiskstatsSource(Machine("old-kernel"))).values.size() == 11);
}

TEST_CASE("diskstats: devices are left out as node_exporter leaves them out") {
  for (const char* ignored :
       {"ram0", "loop12", "fd0", "sda1", "hdb2", "vda15", "xvda1", "nvme0n1p1", "nvme12n3p10"}) {
    INFO(ignored);
    CHECK(IsIgnoredDisk(ignored));
  }
  for (const char* kept : {"sda", "vda", "xvda", "sdaa", "sdaa1", "nvme0n1", "dm-0", "md127", "sr0",
                           "mmcblk0", "zram0", "", "1", "nvmep1", "nvme0np1", "nvmen1p1", "loop"}) {
    INFO(kept);
    CHECK_FALSE(IsIgnoredDisk(kept));
  }
}

TEST_CASE("netdev: without loop-back and container ends") {
  const auto read = Read(MakeNetdevSource(Machine("commune-server")));
  CHECK(read.values.size() == 2 * 16);
  CHECK(read.values.at(R"(node_network_receive_bytes_total{device="enp1s0"})") == 261596662);
  CHECK(read.values.at(R"(node_network_receive_drop_total{device="enp1s0"})") == 2);
  CHECK(read.values.at(R"(node_network_transmit_errs_total{device="enp1s0"})") == 3);
  CHECK(read.values.at(R"(node_network_transmit_drop_total{device="enp1s0"})") == 4);
  CHECK(read.values.at(R"(node_network_transmit_packets_total{device="eth0:1"})") == 2);
}

TEST_CASE("time: boot and clock") {
  const auto read = Read(MakeTimeSource(Machine("commune-server")));
  CHECK(read.values == std::map<std::string, double>{{"node_boot_time_seconds", 1767569400},
                                                     {"node_time_seconds", 1767573000.25}});
}

TEST_CASE("process: the agent's own footprint") {
  const auto read = Read(MakeProcessSource(Machine("commune-server")));
  CHECK(read.values ==
        std::map<std::string, double>{
            {"process_cpu_seconds_total", 3.11},
            {"process_max_fds", 1024},
            {"process_open_fds", 5},
            {"process_resident_memory_bytes", 2913.0 * static_cast<double>(sysconf(_SC_PAGESIZE))},
            {"process_start_time_seconds", 1767569400 + 5123.45},
            {"process_virtual_memory_bytes", 221184000}});
}

TEST_CASE("agent: what it knows of itself") {
  AgentStats stats;
  stats.connected = true;
  stats.waiting_batches = 7;
  const auto source = MakeAgentSource([&] { return stats; });
  CHECK(Read(*source).values.at("haidang_agent_connected") == 1);
  CHECK(Read(*source).values.at("haidang_agent_spool_waiting_batches") == 7);
  stats.connected = false;
  CHECK(Read(*source).values.at("haidang_agent_connected") == 0);
}

TEST_CASE("garbage is a failure that names its file") {
  const std::string root = Machine("broken");
  CHECK(Read(MakeCpuSource(root, {})).error ==
        root + "proc/stat: the line of cpu0 is not one of CPU times");
  CHECK(Read(MakeLoadavgSource(root)).error.starts_with(root + "proc/loadavg: "));
  CHECK(Read(MakeMeminfoSource(root)).error ==
        root + "proc/meminfo: MemTotal is not a number of kB");
  CHECK(Read(MakeDiskstatsSource(root)).error.starts_with(root + "proc/diskstats: "));
  CHECK(Read(MakeNetdevSource(root)).error.starts_with(root + "proc/net/dev: "));
  CHECK(Read(MakeProcessSource(root)).error.starts_with(root + "proc/self/stat: "));
  CHECK(Read(MakeTimeSource(root)).error.starts_with(root + "proc/stat: "));
  CHECK_FALSE(ReadBootId(root).ok());
}

TEST_CASE("an absent file: a failure where every Linux has it, else nothing") {
  const std::string root = Machine("empty");
  CHECK_FALSE(Read(MakeCpuSource(root, {})).error.empty());
  CHECK_FALSE(Read(MakeLoadavgSource(root)).error.empty());
  CHECK_FALSE(Read(MakeMeminfoSource(root)).error.empty());
  CHECK_FALSE(Read(MakeProcessSource(root)).error.empty());
  CHECK_FALSE(Read(MakeTimeSource(root)).error.empty());
  for (auto& source : {MakeDiskstatsSource(root), MakeNetdevSource(root)}) {
    const auto read = Read(*source);
    CHECK(read.error.empty());
    CHECK(read.values.empty());
  }
}

TEST_CASE("this machine can be read") {
  for (auto& source : {MakeCpuSource("/", {}), MakeLoadavgSource("/"), MakeMeminfoSource("/"),
                       MakeDiskstatsSource("/"), MakeNetdevSource("/"), MakeProcessSource("/"),
                       MakeTimeSource("/")}) {
    INFO(source->name());
    CHECK(Read(*source).error.empty());
  }
  CHECK(ReadBootId("/").ok());
}

TEST_CASE("files are bounded") {
  const Scratch scratch;
  const std::string path = scratch.root() + "proc/stat";
  Write(path, std::string(10000, 'x'));
  CHECK(ReadSmallFile(path, 10000).ok());
  CHECK(ReadSmallFile(path, 9999).error().message == "cannot read " + path + ": File too large");
  CHECK_FALSE(ReadSmallFile(scratch.root()).ok());
}

TEST_CASE("code mappings: private code of files only") {
  const auto found = ParseCodeMappings(
      "55d0a000-55d0b000 r--p 00000000 fe:00 12 /usr/bin/haidang-agent\n"
      "55d0b000-55d0f000 r-xp 00001000 fe:00 12 /usr/bin/haidang-agent\n"
      "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
      "7f0000002000-7f0000003000 r-xp 00000000 00:00 0 [vdso]\n"
      "7f0000004000-7f0000003000 r-xp 00000000 fe:00 1 /lib/backwards.so\n"
      "7f0000004000 r-xp 00000000 fe:00 1 /lib/no-end.so\n"
      "xyz-7f0000003000 r-xp 00000000 fe:00 1 /lib/no-number.so\n"
      "7f0000005000-7f0000006000 r-xp 00000000 fe:00 1 /lib/a b.so\n");
  CHECK(found == std::vector<std::pair<size_t, size_t>>{{0x55d0b000, 0x55d0f000},
                                                        {0x7f0000005000, 0x7f0000006000}});
  CHECK_FALSE(ParseCodeMappings(ReadSmallFile("/proc/self/maps").value()).empty());
  ReleaseIdleCode();  // and go on
}

TEST_CASE("boot ids") {
  CHECK(ReadBootId(Machine("commune-server")).value() == (0xf81d4fae7dec11d0 ^ 0xa76500a0c91e6bf6));
  CHECK_FALSE(ParseBootId("").ok());
  CHECK_FALSE(ParseBootId(std::string(32, 'g')).ok());
  CHECK_FALSE(ParseBootId(std::string(33, 'a')).ok());
}

// Every parser meets pieces of real files, cut and changed at random: none may crash, and whatever
// it accepts must be sound.
TEST_CASE("parsers survive damaged files") {
  std::mt19937 random(20260105);
  const std::string files[] = {"stat",    "loadavg",     "meminfo",   "diskstats",
                               "net/dev", "1/mountinfo", "self/stat", "self/limits"};
  for (const std::string& file : files) {
    const std::string good = ReadSmallFile(Machine("commune-server") + "proc/" + file).value();
    for (int round = 0; round < 500; ++round) {
      std::string text = good.substr(random() % good.size(), random() % good.size());
      for (int change = 0; change < 4 && !text.empty(); ++change) {
        text[random() % text.size()] = static_cast<char>(random());
      }
      for (const auto& times :
           ParseCpuTimes(text).ok() ? *ParseCpuTimes(text) : std::vector<CpuTimes>()) {
        CHECK(times.ticks.size() == 8);
      }
      if (const auto load = ParseLoadAverage(text)) CHECK(load->one >= 0);
      if (const auto memory = ParseMeminfo(text)) CHECK(memory->size() >= 1);
      if (const auto disks = ParseDiskstats(text)) CHECK(disks->size() <= 512);
      if (const auto devices = ParseNetdev(text)) CHECK(devices->size() <= 512);
      if (const auto mounts = ParseMounts(text)) CHECK(mounts->mounts.size() <= kMaxMounts);
      ParseProcessStat(text).ok();
      ParseLimit(text, "Max open files");
      ParseBootTime(text);
    }
  }
}
