#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journey/journey_options.h"
#include "agent/path/path_options.h"
#include "agent/probe/probe.h"
#include "agent/sources/access_log.h"
#include "agent/sources/certificate.h"
#include "agent/sources/exec_json.h"
#include "agent/sources/files.h"
#include "agent/sources/http_json.h"
#include "agent/sources/plugins.h"
#include "agent/sources/process_groups.h"
#include "agent/sources/services.h"
#include "agent/sources/smart.h"
#include "core/io/mqtt_session.h"
#include "core/result.h"

namespace haidang::agent {

// The agent's configuration. packaging/sample/agent.toml documents each key.
struct Options {
  std::string log_level = "info";

  std::string machine;                   // its id: the certificate's common name
  std::string machine_class = "server";  // or "workstation"
  std::string site;                      // code, may be empty

  std::string group;  // Sparkplug group: the province
  MqttOptions broker;

  std::string state_directory = "/var/lib/haidang-agent";
  std::chrono::milliseconds interval{15000};  // between ticks
  std::vector<std::string> sources_off;       // names of sources that are not read
  size_t programs_at_once = 4;                // that sources run
  size_t cpu_per_core_up_to = 64;             // logical CPUs; larger machines report their mean
  std::string textfile_directory;             // absolute; "": none
  ServicesOptions services;
  std::vector<FilesOptions> files;
  std::vector<CertificateOptions> certificates;
  std::vector<ProcessGroupOptions> process_groups;
  std::vector<PluginOptions> plugins;
  SmartOptions smart;
  std::vector<AccessLogOptions> access_logs;
  std::vector<ExecJsonOptions> exec_json;
  std::vector<HttpJsonOptions> http_json;
  std::vector<ProbeOptions> probes;
  std::vector<JourneyOptions> journeys;
  std::optional<PathOptions> path;

  int64_t spool_max_bytes = 256LL << 20;
  std::chrono::hours spool_max_age{14 * 24};
  std::chrono::milliseconds spool_sync{60'000};  // what a power cut may cost

  std::vector<std::string> warnings;  // what works, but not as it may be meant; for people
};

enum class Need {
  kAll,      // to run: broker and identity must be there, and the files that they name
  kReading,  // to read once (--print-metrics): they may be missing
};

// Reads and checks a TOML file: "FILE:LINE: KEY: what is wrong; allowed: …". With kAll everything
// that the agent would refuse when it starts, so that --check-config tells it before: the files
// that are named are read as TLS will, and the state directory is tried.
Result<Options> LoadOptions(const std::string& path, Need need);
// The same, without the state directory.
Result<Options> ParseOptions(std::string_view text, const std::string& path, Need need);

}  // namespace haidang::agent
