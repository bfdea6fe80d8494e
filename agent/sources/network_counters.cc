#include "agent/sources/network_counters.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "agent/sources.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

// As node_exporter's default `--collector.netstat.fields` has them, sorted.
constexpr auto kNetstat = std::to_array<std::string_view>({
    "Icmp6_InErrors",
    "Icmp6_InMsgs",
    "Icmp6_OutMsgs",
    "Icmp_InErrors",
    "Icmp_InMsgs",
    "Icmp_OutMsgs",
    "Ip6_InOctets",
    "Ip6_OutOctets",
    "IpExt_InOctets",
    "IpExt_OutOctets",
    "Ip_Forwarding",
    "TcpExt_ListenDrops",
    "TcpExt_ListenOverflows",
    "TcpExt_SyncookiesFailed",
    "TcpExt_SyncookiesRecv",
    "TcpExt_SyncookiesSent",
    "TcpExt_TCPSynRetrans",
    "TcpExt_TCPTimeouts",
    "Tcp_ActiveOpens",
    "Tcp_CurrEstab",
    "Tcp_InErrs",
    "Tcp_InSegs",
    "Tcp_OutRsts",
    "Tcp_OutSegs",
    "Tcp_PassiveOpens",
    "Tcp_RetransSegs",
    "Udp6_InDatagrams",
    "Udp6_InErrors",
    "Udp6_NoPorts",
    "Udp6_OutDatagrams",
    "Udp6_RcvbufErrors",
    "Udp6_SndbufErrors",
    "UdpLite6_InErrors",
    "UdpLite_InErrors",
    "Udp_InDatagrams",
    "Udp_InErrors",
    "Udp_NoPorts",
    "Udp_OutDatagrams",
    "Udp_RcvbufErrors",
    "Udp_SndbufErrors",
});
static_assert(std::is_sorted(kNetstat.begin(), kNetstat.end()));

constexpr auto kSockstat = std::to_array<std::string_view>({
    "FRAG6_inuse",
    "FRAG6_memory",
    "FRAG_inuse",
    "FRAG_memory",
    "RAW6_inuse",
    "RAW_inuse",
    "TCP6_inuse",
    "TCP_alloc",
    "TCP_inuse",
    "TCP_mem",
    "TCP_orphan",
    "TCP_tw",
    "UDP6_inuse",
    "UDPLITE6_inuse",
    "UDPLITE_inuse",
    "UDP_inuse",
    "UDP_mem",
    "sockets_used",
});
static_assert(std::is_sorted(kSockstat.begin(), kSockstat.end()));

template <size_t kSize>
bool Has(const std::array<std::string_view, kSize>& names, const std::string& name) {
  return std::binary_search(names.begin(), names.end(), name);
}

// Of "TcpExt:"; empty where it is no protocol's name.
std::string_view ProtocolOf(std::string_view field) {
  if (!field.ends_with(':')) return {};
  field.remove_suffix(1);
  return field;
}

// Most are counts that only grow; -1 is told where there is none ("Tcp_MaxConn").
void AddNetstat(const std::string& name, std::string_view number, std::vector<Reading>& readings) {
  if (!Has(kNetstat, name)) return;
  if (const auto value = ParseUnsigned(number)) {
    Add(readings, "node_netstat_" + name, {}, *value);
  }
}

}  // namespace

Status ParseNetstat(std::string_view text, std::vector<Reading>& readings) {
  while (!text.empty()) {
    std::string_view names = TakeLine(text);
    if (names.empty()) continue;
    if (text.empty()) return Error{"ends in a line of names without numbers"};
    std::string_view numbers = TakeLine(text);
    const std::string protocol(ProtocolOf(TakeField(names)));
    if (protocol.empty() || ProtocolOf(TakeField(numbers)) != protocol) {
      return Error{"has a line of names whose numbers do not follow"};
    }
    for (std::string_view name = TakeField(names); !name.empty(); name = TakeField(names)) {
      const std::string_view number = TakeField(numbers);
      if (number.empty()) return Error{"has fewer numbers than names of " + protocol};
      AddNetstat(protocol + "_" + std::string(name), number, readings);
    }
  }
  return {};
}

Status ParseSnmp6(std::string_view text, std::vector<Reading>& readings) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view name = TakeField(line);
    // "Udp6InDatagrams" is Udp6_InDatagrams.
    const size_t six = name.find('6');
    if (six == std::string_view::npos) continue;
    AddNetstat(std::string(name.substr(0, six + 1)) + "_" + std::string(name.substr(six + 1)),
               TakeField(line), readings);
  }
  return {};
}

Status ParseSockstat(std::string_view text, std::vector<Reading>& readings) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string protocol(ProtocolOf(TakeField(line)));
    if (protocol.empty()) return Error{"has a line without a protocol"};
    for (std::string_view key = TakeField(line); !key.empty(); key = TakeField(line)) {
      const auto number = ParseUnsigned(TakeField(line));
      if (!number) return Error{protocol + ": " + std::string(key) + " has no number"};
      const std::string name = protocol + "_" + std::string(key);
      if (!Has(kSockstat, name)) continue;
      Add(readings, "node_sockstat_" + name, {}, *number);
      if (key != "mem") continue;
      Add(readings, "node_sockstat_" + name + "_bytes", {},
          *number * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
    }
  }
  return {};
}

Status ParseArp(std::string_view text, std::vector<Reading>& readings) {
  constexpr size_t kDeviceField = 5;
  constexpr size_t kMaxDevices = 256;
  if (text.empty()) return {};
  TakeLine(text);
  std::map<std::string, uint64_t> neighbours;  // by device
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    std::string_view field = TakeField(line);
    if (field.empty()) continue;
    for (size_t at = 0; at < kDeviceField; ++at) field = TakeField(line);
    if (field.empty()) return Error{"a line names no device"};
    ++neighbours[ToUtf8(field, 64)];
    if (neighbours.size() > kMaxDevices) return Error{"names more than 256 devices"};
  }
  for (const auto& [device, count] : neighbours) {
    Add(readings, "node_arp_entries", {{"device", device}}, count);
  }
  return {};
}

std::unique_ptr<Source> MakeArpSource(const std::string& root) {
  return MakeFileSource("arp", {{root + "proc/net/arp", ParseArp}});
}

std::unique_ptr<Source> MakeNetstatSource(const std::string& root) {
  const std::string net = root + "proc/net/";
  return MakeFileSource(
      "netstat",
      {{net + "netstat", ParseNetstat}, {net + "snmp", ParseNetstat}, {net + "snmp6", ParseSnmp6}});
}

std::unique_ptr<Source> MakeSockstatSource(const std::string& root) {
  const std::string net = root + "proc/net/";
  return MakeFileSource("sockstat",
                        {{net + "sockstat", ParseSockstat}, {net + "sockstat6", ParseSockstat}});
}

}  // namespace haidang::agent
