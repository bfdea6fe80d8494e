#include "agent/sources/netdev.h"

#include <algorithm>

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

// In the order of the numbers in /proc/net/dev.
constexpr std::array<std::string_view, 16> kCounters = {
    "node_network_receive_bytes_total",      "node_network_receive_packets_total",
    "node_network_receive_errs_total",       "node_network_receive_drop_total",
    "node_network_receive_fifo_total",       "node_network_receive_frame_total",
    "node_network_receive_compressed_total", "node_network_receive_multicast_total",
    "node_network_transmit_bytes_total",     "node_network_transmit_packets_total",
    "node_network_transmit_errs_total",      "node_network_transmit_drop_total",
    "node_network_transmit_fifo_total",      "node_network_transmit_colls_total",
    "node_network_transmit_carrier_total",   "node_network_transmit_compressed_total",
};

class NetdevSource final : public Source {
 public:
  explicit NetdevSource(std::string root) : path_(std::move(root) + "proc/net/dev") {}

  std::string_view name() const override { return "netdev"; }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    const auto text = ReadOptionalFile(path_);
    if (!text) return text.error();
    const auto devices = ParseNetdev(*text);
    if (!devices) return Error{path_ + ": " + devices.error().message};
    for (const NetworkStats& device : *devices) {
      const Labels labels = {{"device", device.device}};
      for (size_t i = 0; i < kCounters.size(); ++i) {
        Add(readings, kCounters[i], labels, device.numbers[i]);
      }
    }
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

bool IsIgnoredDevice(std::string_view device) {
  return device == "lo" || device.starts_with("veth");
}

Result<std::vector<NetworkStats>> ParseNetdev(std::string_view text) {
  constexpr size_t kMaxDevices = 512;
  std::vector<NetworkStats> devices;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    // The two lines of headings have bars; a device's name ends at the last colon (eth0:1 has two).
    if (line.find('|') != std::string_view::npos) continue;
    const size_t colon = line.rfind(':');
    std::string_view before = line.substr(0, colon);
    const std::string_view device = TakeField(before);
    if (device.empty() && colon == std::string_view::npos) continue;
    std::string_view rest = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    const std::vector<uint64_t> n = TakeNumbers(rest, 16);
    if (device.empty() || n.size() < 16) return Error{"a line does not hold a device's numbers"};
    if (IsIgnoredDevice(device)) continue;
    if (devices.size() >= kMaxDevices) return Error{"names more than 512 devices"};
    NetworkStats& stats = devices.emplace_back();
    stats.device = device;
    std::copy(n.begin(), n.end(), stats.numbers.begin());
  }
  return devices;
}

std::unique_ptr<Source> MakeNetdevSource(std::string root) {
  return std::make_unique<NetdevSource>(std::move(root));
}

}  // namespace haidang::agent
