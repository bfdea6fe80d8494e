#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "agent/sources.h"
#include "agent/sources/host.h"
#include "agent/sources/kernel.h"
#include "agent/sources/mdadm.h"
#include "agent/sources/network_counters.h"
#include "agent/sources/per_cpu.h"
#include "agent/sources/text.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::Machine;
using haidang::testing::Read;
using haidang::testing::ReadResult;
using haidang::testing::TempDir;

namespace {

const std::string kServer = Machine("storage-server");

// A source that a worker reads for.
ReadResult ReadPaced(
    const std::function<std::unique_ptr<Source>(Loop& loop, const Clock& clock)>& make) {
  FakeClock clock;
  FakeLoop loop(clock);
  const auto source = make(loop, clock);
  source->Prepare();
  loop.RunPosted();
  return Read(*source);
}

std::vector<Reading> Parsed(ParseFile parse, const std::string& text) {
  std::vector<Reading> readings;
  REQUIRE(parse(text, readings).ok());
  return readings;
}

std::string Fault(ParseFile parse, const std::string& text) {
  std::vector<Reading> readings;
  const Status status = parse(text, readings);
  return status ? "" : status.error().message;
}

}  // namespace

TEST_CASE("stat, vmstat, pressure, filefd, entropy, conntrack of a large server") {
  auto values = Read(MakeStatSource(kServer)).values;
  CHECK(values.size() == 5);
  CHECK(values.at("node_intr_total") == 98342517712);
  CHECK(values.at("node_context_switches_total") == 187634512899);
  CHECK(values.at("node_forks_total") == 48213377);
  CHECK(values.at("node_procs_running") == 7);
  CHECK(values.at("node_procs_blocked") == 2);

  values = Read(MakeVmstatSource(kServer)).values;
  CHECK(values.size() == 7);
  CHECK(values.at("node_vmstat_oom_kill") == 3);
  CHECK(values.at("node_vmstat_pgfault") == 712345678912);

  values = Read(MakePressureSource(kServer)).values;
  CHECK(values.size() == 5);
  CHECK(values.at("node_pressure_cpu_waiting_seconds_total") == 98123.456789);
  CHECK(values.at("node_pressure_io_stalled_seconds_total") == 412345.678901);
  CHECK(values.at("node_pressure_memory_waiting_seconds_total") == 1.234567);

  values = Read(MakeFilefdSource(kServer)).values;
  CHECK(values.at("node_filefd_allocated") == 41232);
  CHECK(values.at("node_filefd_maximum") == 9223372036854775807.0);
  values = Read(MakeEntropySource(kServer)).values;
  CHECK(values.at("node_entropy_available_bits") == 256);
  CHECK(values.at("node_entropy_pool_size_bits") == 256);
  values = Read(MakeConntrackSource(kServer)).values;
  CHECK(values.at("node_nf_conntrack_entries") == 81234);
  CHECK(values.at("node_nf_conntrack_entries_limit") == 262144);
}

TEST_CASE("the network's counters: two lines, a line each, protocols in one line") {
  auto values = Read(MakeNetstatSource(kServer)).values;
  CHECK(values.at("node_netstat_TcpExt_ListenDrops") == 55);
  CHECK(values.at("node_netstat_IpExt_InOctets") == 9123456789012);
  CHECK(values.at("node_netstat_Ip_Forwarding") == 2);
  CHECK(values.at("node_netstat_Tcp_CurrEstab") == 333);
  CHECK(values.at("node_netstat_Udp_SndbufErrors") == 6);
  CHECK(values.at("node_netstat_Ip6_OutOctets") == 4321);
  CHECK(values.at("node_netstat_Udp6_InDatagrams") == 9);
  CHECK_FALSE(values.contains("node_netstat_Tcp_MaxConn"));
  CHECK_FALSE(values.contains("node_netstat_TcpExt_TCPOFOQueue"));

  values = Read(MakeSockstatSource(kServer)).values;
  CHECK(values.at("node_sockstat_sockets_used") == 1234);
  CHECK(values.at("node_sockstat_TCP_tw") == 789);
  CHECK(values.at("node_sockstat_TCP_mem") == 321);
  CHECK(values.at("node_sockstat_TCP_mem_bytes") == 321.0 * static_cast<double>(getpagesize()));
  CHECK(values.at("node_sockstat_UDP6_inuse") == 5);
}

TEST_CASE("neighbours by device") {
  const auto values = Read(MakeArpSource(kServer)).values;
  CHECK(values == std::map<std::string, double>{{R"(node_arp_entries{device="bond0"})", 6},
                                                {R"(node_arp_entries{device="eno2"})", 3}});
  CHECK(Fault(ParseArp, "IP address\n10.0.0.1 0x1\n") == "a line names no device");
}

TEST_CASE("frequencies, power supplies, what cools") {
  const auto look = [](size_t per_core_up_to) {
    return ReadPaced([&](Loop& loop, const Clock& clock) {
             return MakeCpufreqSource(kServer, loop, clock, {.per_core_up_to = per_core_up_to});
           })
        .values;
  };
  CHECK(look(64).size() == 64 * 3);
  CHECK(look(64).at(R"(node_cpu_scaling_frequency_hertz{cpu="31"})") == 2794748000);
  CHECK(look(64).at(R"(node_cpu_scaling_frequency_max_hertz{cpu="63"})") == 3.4e9);
  CHECK(look(8).size() == 3);
  CHECK(look(8).at(R"(node_cpu_scaling_frequency_hertz{cpu="all"})") == (2794748000.0 + 1.5e9) / 2);
  const auto power = ReadPaced([](Loop& loop, const Clock& clock) {
                       return MakePowerSupplySource(kServer, loop, clock);
                     }).values;
  CHECK(power ==
        std::map<std::string, double>{{R"(node_power_supply_capacity{power_supply="BAT0"})", 97},
                                      {R"(node_power_supply_online{power_supply="AC"})", 1}});
}

TEST_CASE("all of a large server's memory, disks and network devices") {
  auto values = Read(MakeMeminfoSource(kServer)).values;
  CHECK(values.at("node_memory_MemTotal_bytes") == 527956512.0 * 1024);
  CHECK(values.at("node_memory_Active_anon_bytes") == 71234560.0 * 1024);
  CHECK(values.at("node_memory_HugePages_Free") == 512);
  CHECK(values.at("node_memory_Hugepagesize_bytes") == 2048.0 * 1024);
  CHECK(values.size() == 43);

  values = Read(MakeDiskstatsSource(kServer)).values;
  // 40 disks, 4 RAIDs; of the 14 disks beyond sdz also both partitions, as node_exporter's pattern
  // takes one letter only.
  CHECK(values.size() == (40 + 4 + 14 * 2) * 17);
  CHECK_FALSE(values.contains(R"(node_disk_flush_requests_total{device="sdz1"})"));
  CHECK(values.contains(R"(node_disk_flush_requests_total{device="sdan"})"));

  values = Read(MakeNetdevSource(kServer)).values;
  CHECK(values.size() == 3 * 16);
  CHECK(values.at(R"(node_network_receive_fifo_total{device="eno1"})") == 3);
  CHECK(values.at(R"(node_network_transmit_colls_total{device="eno1"})") == 10);

  CHECK(Read(MakeCpuSource(kServer, {.per_core_up_to = 64})).values.size() == 64 * (8 + 2));
}

TEST_CASE("software RAIDs: whole, rebuilding, being checked, inactive") {
  const auto values = Read(MakeMdadmSource(kServer)).values;
  const auto of = [&](const std::string& metric, const std::string& device,
                      const std::string& state = "") {
    const std::string labels = state.empty() ? "" : ",state=\"" + state + "\"";
    return values.at("node_md_" + metric + "{device=\"" + device + "\"" + labels + "}");
  };
  CHECK(of("disks_required", "md0") == 2);
  CHECK(of("disks", "md0", "active") == 2);
  CHECK(of("blocks", "md0") == 488254464);
  CHECK(of("blocks_synced", "md0") == 488254464);
  CHECK(of("state", "md0", "active") == 1);
  CHECK(of("disks_required", "md1") == 11);
  CHECK(of("disks", "md1", "active") == 10);
  CHECK(of("disks", "md1", "failed") == 1);
  CHECK(of("disks", "md1", "spare") == 1);
  CHECK(of("state", "md1", "recovering") == 1);
  CHECK(of("state", "md1", "active") == 0);
  CHECK(of("blocks_synced", "md1") == 831234568);
  CHECK(of("state", "md2", "check") == 1);
  CHECK(of("blocks", "md2") == 58605170688);
  CHECK(of("state", "md3", "inactive") == 1);
  CHECK(of("disks", "md3", "spare") == 2);
  CHECK(of("disks", "md3", "active") == 0);
  CHECK(ParseMdstat("Personalities : \nunused devices: <none>\n").value().empty());
  CHECK_FALSE(ParseMdstat("md0 : active raid1 sda[0]\n      x blocks [2/2]\n").ok());
}

TEST_CASE("software RAIDs: what is due and has not begun is not in step") {
  const auto after = [](const std::string& line) {
    const auto raids =
        ParseMdstat("md0 : active raid1 sdb1[1] sda1[0]\n      1000 blocks [2/2] [UU]\n" + line +
                    "\n      bitmap: 0/1 pages [0KB], 65536KB chunk\n");
    REQUIRE(raids.ok());
    REQUIRE(raids->size() == 1);
    return raids->front();
  };
  for (const auto& [line, state] :
       std::map<std::string, std::string>{{"      \tresync=PENDING", "resync"},
                                          {"      \tresync=DELAYED", "resync"},
                                          {"      \tresync=REMOTE", "resync"},
                                          {"      \trecovery=DELAYED", "recovering"},
                                          {"      \tcheck=DELAYED", "check"}}) {
    CAPTURE(line);
    const MdRaid raid = after(line);
    CHECK(raid.state == state);
    CHECK(raid.blocks == 1000);
    CHECK(raid.blocks_synced == 0);
  }
  CHECK(after("").state == "active");
  CHECK(after("").blocks_synced == 1000);
}

TEST_CASE("what a machine is: kernel, distribution, maker") {
  const auto values = Read(MakeHostSource(kServer)).values;
  CHECK(values.size() == 4);
  CHECK(values.contains(
      R"x(node_uname_info{domainname="(none)",machine="x86_64",nodename="luu-tru-01",)x"
      R"x(release="6.1.0-31-amd64",sysname="Linux",)x"
      R"x(version="#1 SMP PREEMPT_DYNAMIC Debian 6.1.128-1 (2025-02-07)"})x"));
  CHECK(values.at(R"(node_os_version{id="debian",id_like="",name="Debian GNU/Linux"})") == 12);
  const auto release =
      ParseOsRelease("# c\nA=1\nB=\"two \\\"words\\\"\"\nC='x'\nno\n=\nD=\nE=\"\nB=\"later\"\n");
  CHECK(release.at("A") == "1");
  CHECK(release.at("B") == "later");
  CHECK(release.at("C") == "x");
  CHECK(release.at("D").empty());
  CHECK(release.at("E") == "\"");
}

TEST_CASE("links of network devices") {
  const auto values = ReadPaced([](Loop& loop, const Clock& clock) {
                        return MakeNetclassSource(kServer, loop, clock);
                      }).values;
  CHECK(values.at(R"(node_network_speed_bytes{device="eno1"})") == 1.25e9);
  CHECK_FALSE(values.contains(R"(node_network_speed_bytes{device="eno2"})"));
  CHECK(values.at(R"(node_network_up{device="eno2"})") == 0);
  CHECK(values.at(R"(node_network_mtu_bytes{device="bond0"})") == 9000);
  CHECK(values.at(R"(node_network_carrier_changes_total{device="eno1"})") == 5);
  CHECK_FALSE(values.contains(R"(node_network_up{device="lo"})"));
  CHECK(values.contains(
      R"(node_network_info{address="3c:ec:ef:12:34:54",broadcast="ff:ff:ff:ff:ff:ff",device="eno1",)"
      R"(duplex="full",ifalias="",operstate="up"})"));
}

TEST_CASE("sensors, thermal zones, errors of the memory") {
  const auto hwmon = ReadPaced([](Loop& loop, const Clock& clock) {
                       return MakeHwmonSource(kServer, loop, clock);
                     }).values;
  CHECK(hwmon.at(R"(node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"})") == 61);
  CHECK(hwmon.at(R"(node_hwmon_temp_crit_celsius{chip="platform_coretemp_0",sensor="temp3"})") ==
        103);
  CHECK(hwmon.contains(
      R"(node_hwmon_sensor_label{chip="platform_coretemp_0",label="Package id 0",sensor="temp1"})"));
  CHECK(hwmon.at(R"(node_hwmon_fan_rpm{chip="nct6798",sensor="fan1"})") == 1180);
  CHECK(hwmon.at(R"(node_hwmon_in_volts{chip="nct6798",sensor="in0"})") == 1.104);
  CHECK(hwmon.at(R"(node_hwmon_power_average_watt{chip="nct6798",sensor="power1"})") == 215);
  CHECK(hwmon.at(R"(node_hwmon_fan_alarm{chip="nct6798",sensor="fan1"})") == 0);
  // A sensor that says nonsense is left out.
  CHECK_FALSE(hwmon.contains(R"(node_hwmon_temp_celsius{chip="nct6798",sensor="temp1"})"));

  const auto zones = ReadPaced([](Loop& loop, const Clock& clock) {
                       return MakeThermalZoneSource(kServer, loop, clock);
                     }).values;
  CHECK(zones == std::map<std::string, double>{
                     {R"(node_cooling_device_cur_state{name="0",type="Processor"})", 2},
                     {R"(node_cooling_device_max_state{name="0",type="Processor"})", 10},
                     {R"(node_thermal_zone_temp{type="x86_pkg_temp",zone="0"})", 61}});

  const auto edac = ReadPaced([](Loop& loop, const Clock& clock) {
                      return MakeEdacSource(kServer, loop, clock);
                    }).values;
  CHECK(edac.at(R"(node_edac_correctable_errors_total{controller="1"})") == 12);
  CHECK(edac.at(R"(node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="0"})") == 0);
  CHECK(edac.at(R"(node_edac_csrow_correctable_errors_total{controller="1",csrow="unknown"})") ==
        3);
  CHECK(edac.at(R"(node_edac_csrow_uncorrectable_errors_total{controller="1",csrow="unknown"})") ==
        0);
}

TEST_CASE("processes by state") {
  const TempDir dir;
  const auto process = [&](const std::string& pid, const std::string& program,
                           const std::string& state, int threads) {
    std::filesystem::create_directories(dir / ("proc/" + pid));
    std::ofstream(dir / ("proc/" + pid + "/stat"))
        << pid << " (" << program << ") " << state << " 1 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 "
        << threads << " 0 99 4096 7 18446744073709551615\n";
  };
  process("1", "systemd", "S", 1);
  process("20", "a) R (b", "D", 3);  // a name like a state
  process("21", "java", "S", 40);
  process("22", "gone", "Z", 1);
  process("23", "odd", "?", 1);
  std::filesystem::create_directories(dir / "proc/30");  // ends meanwhile
  std::filesystem::create_directories(dir / "proc/sys/kernel");
  std::ofstream(dir / "proc/sys/kernel/pid_max") << "32768\n";
  const auto read = ReadPaced(
      [&](Loop& loop, const Clock& clock) { return MakeProcessesSource(dir / "", loop, clock); });
  CHECK(read.values == std::map<std::string, double>{{"node_processes_max_processes", 32768},
                                                     {"node_processes_pids", 4},
                                                     {"node_processes_threads", 45},
                                                     {R"(node_processes_state{state="D"})", 1},
                                                     {R"(node_processes_state{state="I"})", 0},
                                                     {R"(node_processes_state{state="R"})", 0},
                                                     {R"(node_processes_state{state="S"})", 2},
                                                     {R"(node_processes_state{state="T"})", 0},
                                                     {R"(node_processes_state{state="Z"})", 1}});
  // Nothing there is nothing; no /proc at all is told.
  const auto none = [](const std::string& root) {
    return ReadPaced(
        [&](Loop& loop, const Clock& clock) { return MakeProcessesSource(root, loop, clock); });
  };
  std::filesystem::create_directories(dir / "empty/proc");
  CHECK(none(dir / "empty/").values.empty());
  CHECK(none(dir / "empty/").error.empty());
  CHECK_THAT(none(dir / "nowhere/").error, Catch::Contains("cannot read"));
}

TEST_CASE("timex: of this machine") {
  const ReadResult read = Read(MakeTimexSource());
  CHECK(read.error.empty());
  CHECK(read.values.at("node_timex_tick_seconds") > 0.009);
  CHECK(read.values.at("node_timex_frequency_adjustment_ratio") == Approx(1).margin(1e-3));
}

TEST_CASE("a machine that has none of it has no readings, and no failure") {
  const std::string empty = Machine("empty");
  for (const auto& source :
       {MakeStatSource(empty), MakeVmstatSource(empty), MakePressureSource(empty),
        MakeFilefdSource(empty), MakeEntropySource(empty), MakeConntrackSource(empty),
        MakeNetstatSource(empty), MakeSockstatSource(empty), MakeMdadmSource(empty),
        MakeArpSource(empty), MakeSoftnetSource(empty, {}), MakeSchedstatSource(empty, {})}) {
    CAPTURE(source->name());
    const ReadResult read = Read(*source);
    CHECK(read.error.empty());
    CHECK(read.values.empty());
  }
}

TEST_CASE("damaged files are told with what is wrong") {
  CHECK(Fault(ParseStatCounters, "ctxt x\n") == "what follows ctxt is no number");
  CHECK(Fault(ParseVmstat, "pgfault\n") == "what follows pgfault is no number");
  CHECK_THAT(Fault(ParseIoPressure, "some avg10=1\n"), Catch::Contains("total="));
  CHECK_FALSE(Fault(ParseFileNr, "1 2\n").empty());
  CHECK_FALSE(Fault(ParseEntropyAvailable, "many\n").empty());
  CHECK_FALSE(Fault(ParseNetstat, "TcpExt: A B\n").empty());
  CHECK_FALSE(Fault(ParseNetstat, "TcpExt: A B\nIpExt: 1 2\n").empty());
  CHECK_FALSE(Fault(ParseNetstat, "TcpExt: A B\nTcpExt: 1\n").empty());
  CHECK_FALSE(Fault(ParseSockstat, "TCP inuse 1\n").empty());
  CHECK_FALSE(Fault(ParseSockstat, "TCP: inuse\n").empty());
  CHECK(Parsed(ParseVmstat, "").empty());
  CHECK(Parsed(ParseSnmp6, "Ip6InOctets x\nnothing 5\n6\n").empty());
}

// Pieces of real files, cut and changed at random: none may crash, and what is accepted is finite.
TEST_CASE("the kernel's parsers survive damaged files") {
  std::mt19937 random(20260106);
  const std::pair<const char*, ParseFile> files[] = {
      {"stat", ParseStatCounters},
      {"vmstat", ParseVmstat},
      {"pressure/cpu", ParseCpuPressure},
      {"pressure/io", ParseIoPressure},
      {"pressure/memory", ParseMemoryPressure},
      {"sys/fs/file-nr", ParseFileNr},
      {"net/netstat", ParseNetstat},
      {"net/snmp", ParseNetstat},
      {"net/snmp6", ParseSnmp6},
      {"net/sockstat", ParseSockstat},
      {"net/arp", ParseArp},
  };
  const auto damaged = [&](const std::string& good) {
    std::string text = good.substr(random() % good.size(), random() % good.size());
    for (int change = 0; change < 4 && !text.empty(); ++change) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    return text;
  };
  for (const auto& [file, parse] : files) {
    CAPTURE(file);
    const std::string good = ReadSmallFile(kServer + "proc/" + file).value();
    REQUIRE_FALSE(Parsed(parse, good).empty());
    for (int round = 0; round < 500; ++round) {
      std::vector<Reading> readings;
      static_cast<void>(parse(damaged(good), readings).ok());
      for (const Reading& reading : readings) {
        if (!std::isfinite(AsNumber(reading.value))) FAIL(ToString(reading.series));
      }
    }
  }
  const std::string raids = ReadSmallFile(kServer + "proc/mdstat").value();
  const std::string release = ReadSmallFile(kServer + "etc/os-release").value();
  const std::string softnet = ReadSmallFile(kServer + "proc/net/softnet_stat").value();
  const std::string turns = ReadSmallFile(kServer + "proc/schedstat").value();
  for (int round = 0; round < 2000; ++round) {
    if (const auto parsed = ParseMdstat(damaged(raids))) CHECK(parsed->size() <= 64);
    static_cast<void>(ParseOsRelease(damaged(release)));
    static_cast<void>(ParseSoftnet(damaged(softnet)).ok());
    static_cast<void>(ParseSchedstat(damaged(turns)).ok());
  }
}
