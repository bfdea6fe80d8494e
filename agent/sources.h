#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/source.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/result.h"

// The agent's sources, one file each in agent/sources. `root` is "/" but in tests, where a fixture
// directory is a machine; it ends in a slash.
namespace haidang::agent {

struct CpuOptions {
  // Machines with more logical CPUs report the mean of all as cpu="all", so that a server with 256
  // threads does not send 2 048 series.
  size_t per_core_up_to = 64;
};
std::unique_ptr<Source> MakeCpuSource(std::string root, CpuOptions options);
// Packets that each processor took off the network, and turns that it gave to tasks; on larger
// machines their sums.
std::unique_ptr<Source> MakeSoftnetSource(const std::string& root, CpuOptions options);
std::unique_ptr<Source> MakeSchedstatSource(const std::string& root, CpuOptions options);
// Frequencies that the kernel chose for the processors, and power supplies; looked at by a worker
// once a minute.
std::unique_ptr<Source> MakeCpufreqSource(const std::string& root, Loop& loop, const Clock& clock,
                                          CpuOptions options);
std::unique_ptr<Source> MakePowerSupplySource(const std::string& root, Loop& loop,
                                              const Clock& clock);

std::unique_ptr<Source> MakeDiskstatsSource(std::string root);

// What statvfs says of a mounted file system, in bytes and inodes.
struct FilesystemUsage {
  uint64_t size = 0;
  uint64_t free = 0;
  uint64_t available = 0;
  uint64_t files = 0;
  uint64_t files_free = 0;
};
// Called on a worker thread; may block for ever (a hung network mount).
using StatFilesystem = std::function<Result<FilesystemUsage>(const std::string& path)>;
Result<FilesystemUsage> StatFilesystemNow(const std::string& path);

// Measured in Prepare by a worker; what did not answer until Read is told as device_error.
std::unique_ptr<Source> MakeFilesystemSource(const std::string& root, Loop& loop,
                                             StatFilesystem stat);

// The kernel's own counters, each its file below /proc.
std::unique_ptr<Source> MakeConntrackSource(const std::string& root);
std::unique_ptr<Source> MakeEntropySource(const std::string& root);
std::unique_ptr<Source> MakeFilefdSource(const std::string& root);
std::unique_ptr<Source> MakeMdadmSource(const std::string& root);
std::unique_ptr<Source> MakeNetstatSource(const std::string& root);
std::unique_ptr<Source> MakePressureSource(const std::string& root);
std::unique_ptr<Source> MakeSockstatSource(const std::string& root);
// Neighbours whose address the machine knows.
std::unique_ptr<Source> MakeArpSource(const std::string& root);
std::unique_ptr<Source> MakeStatSource(const std::string& root);
std::unique_ptr<Source> MakeVmstatSource(const std::string& root);

// Below /sys, read by a worker once a minute.
std::unique_ptr<Source> MakeEdacSource(const std::string& root, Loop& loop, const Clock& clock);
std::unique_ptr<Source> MakeHwmonSource(const std::string& root, Loop& loop, const Clock& clock);
std::unique_ptr<Source> MakeNetclassSource(const std::string& root, Loop& loop, const Clock& clock);
std::unique_ptr<Source> MakeThermalZoneSource(const std::string& root, Loop& loop,
                                              const Clock& clock);

// How many processes there are and in which state; scanned by a worker once a minute.
std::unique_ptr<Source> MakeProcessesSource(const std::string& root, Loop& loop,
                                            const Clock& clock);

// What the machine is: kernel, distribution, maker.
std::unique_ptr<Source> MakeHostSource(std::string root);
// The kernel's clock, and whether somebody keeps it right (adjtimex).
std::unique_ptr<Source> MakeTimexSource();
// *.prom files of other programs in `directory`.
std::unique_ptr<Source> MakeTextfileSource(const std::string& directory, Loop& loop,
                                           const Clock& clock);

std::unique_ptr<Source> MakeLoadavgSource(std::string root);
std::unique_ptr<Source> MakeMeminfoSource(std::string root);
std::unique_ptr<Source> MakeNetdevSource(std::string root);
std::unique_ptr<Source> MakeProcessSource(const std::string& root);
std::unique_ptr<Source> MakeTimeSource(std::string root);

// What the agent knows of its own work.
struct AgentStats {
  bool connected = false;
  uint64_t waiting_batches = 0;
  uint64_t waiting_bytes = 0;
  uint64_t held_bytes = 0;
  uint64_t dropped_batches = 0;
  uint64_t resent_batches = 0;
  uint64_t births = 0;
  uint64_t bad_commands = 0;
  uint64_t refused_readings = 0;
  uint64_t lost_ticks = 0;
  // Of the wall clock, against the collector's; nothing until it was measured.
  std::optional<double> clock_offset_seconds;
  std::optional<double> clock_error_seconds;
};
std::unique_ptr<Source> MakeAgentSource(std::function<AgentStats()> stats);

}  // namespace haidang::agent
