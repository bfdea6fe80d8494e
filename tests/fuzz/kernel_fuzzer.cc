// Files of /proc, /sys and /etc of any content, for each of the agent's parsers; the first byte
// says which. What is accepted has names that the catalogue knows, and finite values, and is
// bounded.

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/boot_id.h"
#include "agent/sources/diskstats.h"
#include "agent/sources/host.h"
#include "agent/sources/kernel.h"
#include "agent/sources/loadavg.h"
#include "agent/sources/mdadm.h"
#include "agent/sources/meminfo.h"
#include "agent/sources/mounts.h"
#include "agent/sources/netdev.h"
#include "agent/sources/network_counters.h"
#include "agent/sources/per_cpu.h"
#include "agent/sources/process.h"
#include "agent/sources/stat.h"
#include "core/catalogue.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

constexpr ParseFile kParsers[] = {
    ParseStatCounters,   ParseVmstat,       ParseCpuPressure,      ParseIoPressure,
    ParseMemoryPressure, ParseFileNr,       ParseEntropyAvailable, ParseEntropyPoolSize,
    ParseConntrackCount, ParseConntrackMax, ParseNetstat,          ParseSnmp6,
    ParseSockstat,       ParseArp,
};

void TryFile(ParseFile parse, std::string_view text) {
  std::vector<Reading> readings;
  const Status parsed = parse(text, readings);
  if (!parsed) FUZZ_REQUIRE(!parsed.error().message.empty());
  FUZZ_REQUIRE(readings.size() <= text.size());
  for (const Reading& reading : readings) {
    FUZZ_REQUIRE(FindMetric(reading.series.metric) != nullptr);
    FUZZ_REQUIRE(std::isfinite(AsNumber(reading.value)));
  }
}

void TryStructures(uint8_t which, std::string_view text) {
  switch (which) {
    case 0:
      if (const auto cpus = ParseCpuTimes(text))
        FUZZ_REQUIRE(!cpus->empty() && cpus->size() <= 8192);
      static_cast<void>(ParseBootTime(text));
      break;
    case 1:
      if (const auto load = ParseLoadAverage(text)) FUZZ_REQUIRE(std::isfinite(load->one));
      break;
    case 2:
      if (const auto memory = ParseMeminfo(text)) FUZZ_REQUIRE(!memory->empty());
      break;
    case 3:
      if (const auto disks = ParseDiskstats(text)) FUZZ_REQUIRE(disks->size() <= 512);
      break;
    case 4:
      if (const auto devices = ParseNetdev(text)) FUZZ_REQUIRE(devices->size() <= 512);
      break;
    case 5:
      if (const auto table = ParseMounts(text)) FUZZ_REQUIRE(table->mounts.size() <= kMaxMounts);
      break;
    case 6:
      if (const auto raids = ParseMdstat(text)) FUZZ_REQUIRE(raids->size() <= 64);
      break;
    case 7:
      static_cast<void>(ParseProcessStat(text).ok());
      static_cast<void>(ParseLimit(text, "Max open files"));
      break;
    case 8:
      if (const auto cpus = ParseSoftnet(text)) FUZZ_REQUIRE(cpus->size() <= 8192);
      break;
    case 9:
      if (const auto cpus = ParseSchedstat(text)) FUZZ_REQUIRE(cpus->size() <= 8192);
      break;
    case 10:
      FUZZ_REQUIRE(ParseOsRelease(text).size() <= text.size());
      break;
    default:
      static_cast<void>(ParseBootId(text).ok());
      break;
  }
}

constexpr uint8_t kStructures = 12;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const uint8_t which = data[0] % (std::size(kParsers) + kStructures);
  if (which < kStructures) {
    TryStructures(which, text);
  } else {
    TryFile(kParsers[which - kStructures], text);
  }
  return 0;
}
