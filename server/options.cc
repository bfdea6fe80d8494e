#include "server/options.h"

#include <arpa/inet.h>

#include <charconv>

#include "core/config.h"

namespace haidang::server {
namespace {

constexpr std::string_view kHttp = "http://";

bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr v4{};
  return inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

void ReadServer(ConfigTable table, Options& options) {
  const std::string listen = table.String("listen", ToString(options.listen), 256);
  if (auto address = ParseHostPort(listen)) {
    options.listen = *address;
  } else {
    table.Fault("listen", address.error().message);
  }
  options.max_streams =
      static_cast<int>(table.Integer("max_streams", options.max_streams, 1, 1024));
  table.Finish();
}

void ReadCollector(ConfigTable table, Options& options) {
  const std::string url =
      table.String("url", std::string(kHttp) + ToString(options.collector), 256);
  std::string_view rest = url;
  if (!rest.starts_with(kHttp)) {
    table.Fault("url", "must be http://host:port");
  } else {
    rest.remove_prefix(kHttp.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    auto address = ParseHostPort(rest);
    if (!address) {
      table.Fault("url", address.error().message);
    } else if (address->port == 0) {
      table.Fault("url", "needs the collector's port, 1 to 65535");
    } else if (!IsLoopback(address->host)) {
      table.Fault("url",
                  "must be on loopback (127.0.0.1, ::1 or localhost): the secret would travel "
                  "over the network in the clear");
    } else {
      options.collector = *address;
    }
  }
  options.secret_file = table.RequiredString("secret_file");
  table.Finish();
}

void ReadObjectives(ConfigTable& root, Options& options) {
  for (ConfigTable& table : root.Tables("objective")) {
    query::Objective objective;
    objective.journey = table.RequiredString("journey", 64);
    objective.step = table.String("step", "", 64);
    objective.seconds = table.Number("seconds", objective.seconds, 0.001, 3600);
    objective.minutes = table.Integer("minutes", objective.minutes, 0, 1440);
    for (const query::Objective& other : options.objectives) {
      if (other.journey == objective.journey && other.step == objective.step) {
        table.Fault("journey", "a second objective for the same journey and step");
      }
    }
    table.Finish();
    options.objectives.push_back(std::move(objective));
  }
}

void ReadMetrics(ConfigTable table, Options& options) {
  options.fleet_targets = table.Strings("fleet_targets", {}, 64);
  for (const std::string& target : options.fleet_targets) {
    auto address = ParseHostPort(target);
    if (!address) {
      table.Fault("fleet_targets", address.error().message);
    } else if (address->port == 0) {
      table.Fault("fleet_targets", "needs a port, 1 to 65535");
    }
  }
  options.own_target = table.String("own_target", "", 256);
  if (!options.own_target.empty()) {
    if (auto address = ParseHostPort(options.own_target); !address) {
      table.Fault("own_target", address.error().message);
    }
  }
  table.Finish();
}

Result<Options> Read(ConfigFile& file) {
  Options options;
  ConfigTable root = file.root();
  ReadServer(root.Table("server"), options);
  ReadCollector(root.Table("collector"), options);
  ConfigTable state = root.Table("state");
  options.state_directory = state.RequiredString("directory");
  state.Finish();
  ConfigTable sites = root.Table("sites");
  options.sites_file = sites.String("file", "");
  sites.Finish();
  ConfigTable inventory = root.Table("inventory");
  options.inventory_file = inventory.String("file", "");
  inventory.Finish();
  ReadObjectives(root, options);
  ReadMetrics(root.Table("metrics"), options);
  ConfigTable log = root.Table("log");
  options.log_level = log.OneOf("level", options.log_level, {"debug", "info", "warning", "error"});
  log.Finish();
  root.Finish();
  if (auto error = file.error()) return *error;
  return options;
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text) {
  const Error wrong{"must be host:port, e.g. \"127.0.0.1:8080\" or \"[::1]:8080\""};
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong;
  }
  if (host.empty() || host.find_first_of(" /@[]?#\t\r\n") != std::string_view::npos) return wrong;
  HostPort address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong;
  return address;
}

std::string ToString(const HostPort& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<Options> LoadOptions(const std::string& path) {
  auto file = ConfigFile::Load(path);
  if (!file) return file.error();
  return Read(**file);
}

Result<Options> ParseOptions(std::string_view text, const std::string& path) {
  auto file = ConfigFile::Parse(text, path);
  if (!file) return file.error();
  return Read(**file);
}

}  // namespace haidang::server
