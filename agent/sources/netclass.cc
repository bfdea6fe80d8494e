#include "agent/sources.h"
#include "agent/sources/netdev.h"
#include "agent/sources/paced_source.h"
#include "agent/sources/sys_tree.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxDevices = 256;
constexpr double kBytesPerMegabit = 1e6 / 8;

void LookAtDevice(const std::string& net, const std::string& device,
                  std::vector<Reading>& readings) {
  const std::string path = net + device + "/";
  const Labels labels = {{"device", device}};
  const auto count = [&](const char* file, const char* metric) {
    const auto number = ReadInteger(path + file);
    if (number && *number >= 0) Add(readings, metric, labels, static_cast<uint64_t>(*number));
  };
  const auto text = [&](const char* file) {
    return ToUtf8(ReadWord(path + file).value_or(""), 256);
  };
  const std::string state = text("operstate");
  Add(readings, "node_network_info",
      {{"address", text("address")},
       {"broadcast", text("broadcast")},
       {"device", device},
       {"duplex", text("duplex")},
       {"ifalias", text("ifalias")},
       {"operstate", state}},
      true);
  Add(readings, "node_network_up", labels, state == "up");
  count("carrier", "node_network_carrier");
  count("carrier_changes", "node_network_carrier_changes_total");
  count("carrier_down_count", "node_network_carrier_down_changes_total");
  count("carrier_up_count", "node_network_carrier_up_changes_total");
  count("mtu", "node_network_mtu_bytes");
  count("tx_queue_len", "node_network_transmit_queue_length");
  // -1 where nobody knows, as of a link that is down.
  const auto speed = ReadInteger(path + "speed");
  if (speed && *speed >= 0) {
    Add(readings, "node_network_speed_bytes", labels,
        static_cast<double>(*speed) * kBytesPerMegabit);
  }
}

// Links of the network devices: up or down, speed, changes of carrier.
Result<std::vector<Reading>> LookAtDevices(const std::string& net) {
  std::vector<Reading> readings;
  for (const std::string& device : EntriesOf(net, kMaxDevices)) {
    if (!IsIgnoredDevice(device)) LookAtDevice(net, device, readings);
  }
  return readings;
}

}  // namespace

std::unique_ptr<Source> MakeNetclassSource(const std::string& root, Loop& loop,
                                           const Clock& clock) {
  return MakePacedSource("netclass", loop, clock, 60s,
                         [net = root + "sys/class/net/"] { return LookAtDevices(net); });
}

}  // namespace haidang::agent
