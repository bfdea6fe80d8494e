#include "agent/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/source_list.h"
#include "agent/step_series.h"
#include "core/config.h"
#include "core/io/broker_uri.h"
#include "core/io/state_directory.h"
#include "core/io/tls_files.h"
#include "core/site_code.h"
#include "core/sparkplug/topic.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::seconds;

constexpr size_t kMaxProbes = 32;

std::string Text(ConfigTable& table, std::string_view key, bool required) {
  return required ? table.RequiredString(key) : table.String(key, "");
}

void CheckSparkplugId(ConfigTable& table, std::string_view key, const std::string& id) {
  if (const Status status = sparkplug::CheckId(id); !status) {
    table.Fault(key, status.error().message + "; allowed: a name such as \"quang-ninh\"");
  }
}

void ReadBroker(ConfigTable table, bool required, Options& options) {
  MqttOptions& broker = options.broker;
  broker.uri = Text(table, "uri", required);
  if (!broker.uri.empty()) {
    if (const Status uri = CheckBrokerUri(broker.uri); !uri) {
      table.Fault("uri", uri.error().message);
    }
  }
  options.group = Text(table, "group", required);
  if (!options.group.empty()) CheckSparkplugId(table, "group", options.group);
  const bool tls = required && UsesTls(broker.uri);
  broker.ca_file = Text(table, "ca", tls);
  broker.cert_file = Text(table, "cert", tls);
  broker.key_file = Text(table, "key", tls);
  broker.keep_alive =
      duration_cast<seconds>(table.Duration("keep_alive", broker.keep_alive, 5s, 600s));
  broker.connect_timeout =
      duration_cast<seconds>(table.Duration("connect_timeout", broker.connect_timeout, 1s, 120s));
  broker.backoff_max = table.Duration("backoff_max", broker.backoff_max, 1s, 1h);
  table.Finish();
}

// The broker lets a machine write only under its certificate's common name, which is the machine's
// id. Required: `options` are without fault so far.
void TakeIdentity(ConfigTable& broker, ConfigTable& machine, Options& options) {
  if (!options.broker.cert_file.empty()) {
    const auto common_name = CommonNameOf(options.broker.cert_file);
    if (!common_name) {
      return broker.Fault(
          "cert", common_name.error().message + "; allowed: a certificate that names the machine");
    }
    if (options.machine.empty()) {
      options.machine = *common_name;
      return CheckSparkplugId(broker, "cert", options.machine);
    }
    if (options.machine != *common_name) {
      return machine.Fault("id", "is \"" + options.machine +
                                     "\", but broker.cert is made out to \"" +
                                     Printable(*common_name) + "\"; allowed: \"" +
                                     Printable(*common_name) + "\", or leave the key out");
    }
  }
  if (options.machine.empty()) {
    return machine.Fault("id",
                         "is missing; allowed: a text that is not empty, or leave it out and "
                         "give broker.cert");
  }
  CheckSparkplugId(machine, "id", options.machine);
}

void ReadSources(ConfigTable table, Options& options) {
  options.sources_off = table.Strings("off", {});
  for (const std::string& name : options.sources_off) {
    if (FindSource(name) != nullptr) continue;
    table.Fault("off", fmt::format("there is no source \"{}\"; allowed: {}", name, SourceNames()));
  }
  options.cpu_per_core_up_to = static_cast<size_t>(table.Integer(
      "cpu_per_core_up_to", static_cast<int64_t>(options.cpu_per_core_up_to), 0, 8192));
  options.programs_at_once = static_cast<size_t>(
      table.Integer("programs_at_once", static_cast<int64_t>(options.programs_at_once), 1, 32));
  table.Finish();
}

ProbeOptions ReadProbe(ConfigTable& table) {
  ProbeOptions probe;
  probe.journey = table.RequiredString("journey", 64);
  probe.step = table.RequiredString("step", 64);
  probe.url = table.RequiredString("url", 2048);
  if (!probe.url.empty()) {
    if (const auto url = ParseUrl(probe.url); !url) {
      table.Fault("url", url.error().message + "; allowed: \"https://host/path\"");
    }
  }
  probe.interval = table.Duration("interval", probe.interval, 1s, 24h);
  probe.timeout = table.Duration("timeout", probe.timeout, 100ms, 5min);
  probe.status = table.Integers("status", {}, 100, 599);
  if (std::string text = table.String("contains", "", 1024); !text.empty()) {
    probe.contains.push_back(std::move(text));
  }
  probe.access.ca_file = table.String("ca", "");
  probe.max_body = static_cast<size_t>(
      table.Integer("max_body", static_cast<int64_t>(probe.max_body), 1, 64 << 20));
  probe.max_redirects =
      static_cast<int>(table.Integer("max_redirects", probe.max_redirects, 0, 20));
  table.Finish();
  return probe;
}

void ReadProbes(ConfigTable& root, Options& options) {
  std::set<std::pair<std::string, std::string>> seen;
  for (ConfigTable& table : root.Tables("probe", kMaxProbes)) {
    ProbeOptions probe = ReadProbe(table);
    if (!seen.emplace(probe.journey, probe.step).second) {
      table.Fault("step", "there are two probes of journey \"" + probe.journey + "\", step \"" +
                              probe.step + "\"; allowed: each pair once");
    }
    options.probes.push_back(std::move(probe));
  }
}

// A probe's series and a journey's would be the same ones.
void CheckSteps(ConfigTable& root, const Options& options) {
  size_t i = 0;
  for (ConfigTable& table : root.Tables("journey", options.journeys.size())) {
    const std::string& name = options.journeys[i++].name;
    for (const ProbeOptions& probe : options.probes) {
      if (probe.journey != name) continue;
      table.Fault("name", "is also that of a [[probe]]'s journey; allowed: a name of its own");
      break;
    }
  }
}

// Required: the access logs have been read.
void ReadJson(ConfigTable& root, Options& options) {
  JsonTaken taken;
  for (const AccessLogOptions& log : options.access_logs) {
    for (const VolumeRule& volume : log.volumes) taken.volumes.emplace(volume.system, volume.kind);
  }
  options.exec_json = ReadExecJsonOptions(root, taken);
  options.http_json = ReadHttpJsonOptions(root, taken);
}

// What the files that `options` name would make the agent refuse.
void CheckFiles(ConfigTable root, Options& options) {
  ConfigTable broker = root.Table("broker");
  ConfigTable machine = root.Table("machine");
  CheckBroker(broker, options.broker);
  const auto check_ca = [](ConfigTable& table, const std::string& ca_file) {
    if (ca_file.empty()) return;
    MqttOptions tls;
    tls.ca_file = ca_file;
    if (const auto fault = FindTlsFault(tls)) table.Fault("ca", fault->what);
  };
  size_t i = 0;
  for (ConfigTable& probe : root.Tables("probe", kMaxProbes)) {
    check_ca(probe, options.probes[i++].access.ca_file);
  }
  CheckJourneyFiles(root, options.journeys);
  i = 0;
  for (ConfigTable& document : root.Tables("http_json", options.http_json.size())) {
    check_ca(document, options.http_json[i++].request.access.ca_file);
  }
  TakeIdentity(broker, machine, options);
}

Result<Options> Read(ConfigFile& file, Need need) {
  const bool required = need == Need::kAll;
  Options options;
  ConfigTable root = file.root();
  ConfigTable log = root.Table("log");
  options.log_level = log.OneOf("level", options.log_level, {"debug", "info", "warning", "error"});
  log.Finish();
  ReadBroker(root.Table("broker"), required, options);

  ConfigTable machine = root.Table("machine");
  options.machine_class = machine.OneOf("class", options.machine_class, {"server", "workstation"});
  options.site = machine.String("site", "");
  if (const Status site = CheckSiteCode(options.site); !site) {
    machine.Fault("site", site.error().message);
  }
  options.machine = machine.String("id", "", 128);
  machine.Finish();

  ConfigTable state = root.Table("state");
  options.state_directory = state.String("directory", options.state_directory);
  if (options.state_directory.empty()) {
    state.Fault("directory", "must not be empty; allowed: a path");
  }
  state.Finish();

  ConfigTable sampling = root.Table("sampling");
  options.interval = sampling.Duration("interval", options.interval, 1s, 1h);
  sampling.Finish();

  ReadSources(root.Table("sources"), options);
  ConfigTable textfile = root.Table("textfile");
  options.textfile_directory = textfile.String("directory", "");
  if (!options.textfile_directory.empty() && !options.textfile_directory.starts_with('/')) {
    textfile.Fault("directory",
                   "does not begin with /; allowed: \"/var/lib/prometheus/node-exporter\"");
  }
  textfile.Finish();
  options.services = ReadServicesOptions(root.Table("services"));
  options.files = ReadFilesOptions(root);
  options.certificates = ReadCertificateOptions(root);
  options.process_groups = ReadProcessGroupOptions(root);
  options.plugins = ReadPluginOptions(root);
  options.smart = ReadSmartOptions(root);
  options.access_logs = ReadAccessLogOptions(root);
  ReadJson(root, options);
  ReadProbes(root, options);
  options.journeys = ReadJourneyOptions(root);
  CheckSteps(root, options);
  const auto& off = options.sources_off;
  if (std::find(off.begin(), off.end(), "probe") == off.end()) {
    auto warning = CheckStepSeries(root, options.probes, options.journeys);
    if (warning) options.warnings.push_back(std::move(*warning));
  }
  options.path = ReadPathOptions(root);

  ConfigTable spool = root.Table("spool");
  constexpr int64_t kMiB = 1 << 20;
  options.spool_max_bytes =
      spool.Integer("max_mib", options.spool_max_bytes / kMiB, 1, 65536) * kMiB;
  options.spool_max_age =
      duration_cast<hours>(spool.Duration("max_age", options.spool_max_age, 1h, 24h * 366));
  options.spool_sync = spool.Duration("sync", options.spool_sync, 0s, 1h);
  spool.Finish();

  root.Finish();
  if (!file.error() && required) CheckFiles(file.root(), options);
  if (const auto error = file.error()) return *error;
  return options;
}

}  // namespace

Result<Options> LoadOptions(const std::string& path, Need need) {
  const auto file = ConfigFile::Load(path);
  if (!file) return file.error();
  auto options = Read(**file, need);
  if (!options || need == Need::kReading) return options;
  if (const Status usable = CheckStateDirectory(options->state_directory); !usable) {
    (*file)->root().Table("state").Fault("directory", usable.error().message);
    return *(*file)->error();
  }
  return options;
}

Result<Options> ParseOptions(std::string_view text, const std::string& path, Need need) {
  const auto file = ConfigFile::Parse(text, path);
  if (!file) return file.error();
  return Read(**file, need);
}

}  // namespace haidang::agent
