#include "agent/sources/netdev.h"

#include "agent/sources.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

bool IsIgnored(std::string_view device) { return device == "lo" || device.starts_with("veth"); }

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
      Add(readings, "node_network_receive_bytes_total", labels, device.received_bytes);
      Add(readings, "node_network_receive_packets_total", labels, device.received_packets);
      Add(readings, "node_network_receive_errs_total", labels, device.receive_errors);
      Add(readings, "node_network_receive_drop_total", labels, device.receive_drops);
      Add(readings, "node_network_transmit_bytes_total", labels, device.sent_bytes);
      Add(readings, "node_network_transmit_packets_total", labels, device.sent_packets);
      Add(readings, "node_network_transmit_errs_total", labels, device.send_errors);
      Add(readings, "node_network_transmit_drop_total", labels, device.send_drops);
    }
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

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
    if (IsIgnored(device)) continue;
    if (devices.size() >= kMaxDevices) return Error{"names more than 512 devices"};
    devices.push_back({std::string(device), n[0], n[1], n[2], n[3], n[8], n[9], n[10], n[11]});
  }
  return devices;
}

std::unique_ptr<Source> MakeNetdevSource(std::string root) {
  return std::make_unique<NetdevSource>(std::move(root));
}

}  // namespace haidang::agent
