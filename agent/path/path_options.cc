#include "agent/path/path_options.h"

#include <algorithm>
#include <set>

#include "agent/path/address.h"
#include "agent/path/dns_message.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxHosts = 16;
constexpr size_t kMaxNames = 8;
constexpr size_t kMaxName = 253;

// An IP address, or what a name server can be asked for.
void CheckHost(ConfigTable& table, std::string_view key, const std::string& host) {
  if (host.empty() || Address::Parse(host, 0)) return;
  if (const Status name = CheckDnsName(host); !name) {
    table.Fault(key,
                name.error().message + "; allowed: \"hub.example\", \"10.1.2.3\", \"fd00::1\"");
  }
}

PathHost ReadHost(ConfigTable& table) {
  PathHost host;
  host.name = table.RequiredString("name", 64);
  host.address = table.RequiredString("address", kMaxName);
  CheckHost(table, "address", host.address);
  host.port = static_cast<uint16_t>(table.Integer("port", 0, 0, 65535));
  table.Finish();
  return host;
}

void ReadHosts(ConfigTable& path, PathOptions& options) {
  std::set<std::string> seen;
  for (ConfigTable& table : path.Tables("hosts", kMaxHosts)) {
    PathHost host = ReadHost(table);
    if (!seen.insert(host.name).second) {
      table.Fault("name", "there are two hosts \"" + host.name + "\"; allowed: each name once");
    }
    options.hosts.push_back(std::move(host));
  }
}

void ReadNames(ConfigTable& path, PathOptions& options) {
  options.names = path.Strings("names", {}, kMaxNames);
  std::set<std::string> seen;
  for (const std::string& name : options.names) {
    if (const Status fit = CheckDnsName(name); !fit) {
      path.Fault("names", fit.error().message + "; allowed: [\"motcua.example\"]");
    } else if (!seen.insert(name).second) {
      path.Fault("names", "\"" + name + "\" stands there twice; allowed: each name once");
    }
  }
}

}  // namespace

std::optional<PathOptions> ReadPathOptions(ConfigTable& root) {
  const bool there = root.Has("path");
  ConfigTable path = root.Table("path");
  PathOptions options;
  options.hub = path.String("hub", "", kMaxName);
  CheckHost(path, "hub", options.hub);
  ReadHosts(path, options);
  ReadNames(path, options);
  options.interval = path.Duration("interval", options.interval, 1s, 1h);
  options.gateway = path.Bool("gateway", options.gateway);
  options.echoes =
      static_cast<size_t>(path.Integer("echoes", static_cast<int64_t>(options.echoes), 1, 20));
  const std::string method = path.OneOf("method", "auto", {"auto", "icmp", "tcp"});
  if (method == "icmp") options.method = PathMethod::kIcmp;
  if (method == "tcp") options.method = PathMethod::kTcp;
  path.Finish();
  return there ? std::optional(std::move(options)) : std::nullopt;
}

}  // namespace haidang::agent
