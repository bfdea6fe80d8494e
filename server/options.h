#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/query.h"
#include "core/result.h"

namespace haidang::server {

struct HostPort {
  std::string host;   // a name or an address, without brackets
  uint16_t port = 0;  // 0: any free one (listening only)
};

// What the server's TOML file says (packaging/sample/server.toml explains each key).
struct Options {
  HostPort listen{"127.0.0.1", 8080};
  int max_streams = 64;  // browsers that watch at once; each keeps a thread

  HostPort collector{"127.0.0.1", 9311};  // loopback only: the secret travels in the clear
  std::string secret_file;                // readable by its owner and group only

  std::string state_directory;  // control.db is made in it

  std::string sites_file;      // CSV; "" leaves the places of the last import
  std::string inventory_file;  // CSV; "" leaves the placements of the last import
  std::vector<query::Objective> objectives;

  std::vector<std::string> fleet_targets;  // for /sd: host:port of the collector's metrics port
  std::string own_target;                  // for /sd: host:port of this server; "" leaves it out

  std::string log_level = "info";
};

// Reads the file strictly; an Error names file, line, key and what is allowed.
Result<Options> LoadOptions(const std::string& path);
Result<Options> ParseOptions(std::string_view text, const std::string& path);

// "127.0.0.1:8080", "[::1]:8080", "localhost:0".
Result<HostPort> ParseHostPort(std::string_view text);
std::string ToString(const HostPort& address);

}  // namespace haidang::server
