#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/detect/detector.h"
#include "collector/fleet.h"
#include "collector/grants.h"
#include "collector/remote/options.h"
#include "core/io/host_port.h"
#include "core/io/mqtt_session.h"
#include "core/query.h"
#include "core/result.h"

namespace haidang::collector {

// What collector.toml says (packaging/sample/collector.toml explains each).
struct Options {
  std::string id = "hai-dang";  // Sparkplug host id, as in spBv1.0/STATE/<id>
  std::string group;            // Sparkplug group that is collected: the province
  MqttOptions broker;
  std::string directory = "/var/lib/haidang-collector";  // of telemetry.db
  HostPort query{"127.0.0.1", 9311};                     // loopback only
  std::string secret_file;
  HostPort metrics{"127.0.0.1", 9312};
  std::chrono::milliseconds commit_every{200};
  int64_t commit_bytes = 4 << 20;
  store::Retention retention;
  Grants::Rates backfill;
  // Of each journey that sites share: requests a second of all the province together, at most.
  double journey_requests_per_second = 5;
  detect::DetectOptions detect;
  std::vector<query::Objective> objectives;  // where the server's snapshot has none
  std::vector<remote::RemoteOptions> remotes;
  Limits limits;
  std::string log_level = "info";
};

// An Error names file, line, key and what is allowed. LoadOptions also looks at the files and
// directories that the options name, so that whoever checks hears what a start would refuse.
Result<Options> LoadOptions(const std::string& path);
Result<Options> ParseOptions(std::string_view text, const std::string& path);

}  // namespace haidang::collector
