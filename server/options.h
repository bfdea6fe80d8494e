#pragma once

#include <string>
#include <vector>

#include "core/calendar.h"
#include "core/config.h"
#include "core/io/host_port.h"
#include "core/query.h"
#include "core/result.h"

namespace haidang::server {

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

  // Hours in which offices are open, by day of the week (core/calendar.h); empty: always.
  std::vector<std::vector<DayHours>> office_hours;
  std::string calendar_file;  // CSV of days off and swapped working days; "": there are none

  std::vector<std::string> fleet_targets;  // for /sd: host:port of the collector's metrics port
  std::string own_target;                  // for /sd: host:port of this server; "" leaves it out

  std::string log_level = "info";
};

// Reads the file strictly; an Error names file, line, key and what is allowed. What the options
// name is not looked at (server/configuration.h).
Result<Options> ReadOptions(ConfigFile& file);
Result<Options> ParseOptions(std::string_view text, const std::string& path);

}  // namespace haidang::server
