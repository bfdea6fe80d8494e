#include "tests/support/fleet/simulated_agent.h"

namespace haidang::fleet {
namespace {

using sparkplug::BirthSeries;

struct Template {
  const char* metric;
  const char* unit;
  uint32_t group;
  DataType datatype;
  MetricType type;
};

constexpr Template kPlain[] = {
    {"node_load1", "", 1, DataType::kDouble, MetricType::kGauge},
    {"node_load5", "", 1, DataType::kDouble, MetricType::kGauge},
    {"node_load15", "", 1, DataType::kDouble, MetricType::kGauge},
    {"node_memory_MemAvailable_bytes", "bytes", 2, DataType::kDouble, MetricType::kGauge},
    {"node_memory_MemFree_bytes", "bytes", 2, DataType::kDouble, MetricType::kGauge},
};
constexpr Template kDisk[] = {
    {"node_filesystem_avail_bytes", "bytes", 2, DataType::kDouble, MetricType::kGauge},
    {"node_filesystem_size_bytes", "bytes", 2, DataType::kDouble, MetricType::kGauge},
};
constexpr const char* kMountpoints[] = {"/", "/var"};
constexpr Template kCpu = {"node_cpu_seconds_total", "seconds", 0, DataType::kDouble,
                           MetricType::kCounter};
constexpr Template kNetwork = {"node_network_receive_bytes_total", "bytes", 3, DataType::kUInt64,
                               MetricType::kCounter};
constexpr const char* kModes[] = {"idle",    "iowait", "irq",    "nice",
                                  "softirq", "steal",  "system", "user"};

BirthSeries Make(const Template& from, Labels labels, size_t index) {
  BirthSeries out;
  out.series = {from.metric, std::move(labels)};
  out.alias = sparkplug::kFirstSeriesAlias + index;
  out.datatype = from.datatype;
  out.type = from.type;
  out.unit = from.unit;
  out.group = from.group;
  return out;
}

}  // namespace

std::vector<BirthSeries> MakeSeries(size_t count) {
  std::vector<BirthSeries> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t disk = i - std::size(kPlain);
    if (i < std::size(kPlain)) {
      out.push_back(Make(kPlain[i], {}, i));
    } else if (disk < std::size(kDisk) * std::size(kMountpoints)) {
      const char* mountpoint = kMountpoints[disk / std::size(kDisk)];
      out.push_back(Make(kDisk[disk % std::size(kDisk)], {{"mountpoint", mountpoint}}, i));
    } else if (i % 3 == 0) {
      out.push_back(Make(kNetwork, {{"device", "eth" + std::to_string(i / 3)}}, i));
    } else {
      const Labels labels = {{"cpu", std::to_string(i / 8)}, {"mode", kModes[i % 8]}};
      out.push_back(Make(kCpu, labels, i));
    }
  }
  return out;
}

}  // namespace haidang::fleet
