#include "collector/options.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "core/config.h"
#include "core/sparkplug/topic.h"

namespace haidang::collector {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A string that `check` must accept; its Error becomes the fault's text.
void Check(ConfigTable& table, std::string_view key, const Status& status) {
  if (!status) table.Fault(key, status.error().message);
}

Listen ReadListen(ConfigTable& table, const Listen& fallback, bool loopback_only) {
  const std::string text =
      table.String("listen", fallback.host + ":" + std::to_string(fallback.port));
  auto listen = ParseListen(text);
  if (!listen) {
    table.Fault("listen", listen.error().message);
    return fallback;
  }
  if (loopback_only && !IsLoopback(*listen)) {
    table.Fault("listen",
                "must be a loopback address (127.0.0.1 or [::1]): answers are not "
                "encrypted");
  }
  return *listen;
}

void ReadBroker(ConfigTable table, MqttOptions& broker) {
  broker.uri = table.RequiredString("uri");
  broker.ca_file = table.String("ca", "");
  broker.cert_file = table.String("cert", "");
  broker.key_file = table.String("key", "");
  const bool tls = broker.uri.starts_with("ssl://");
  if (!tls && !broker.uri.starts_with("tcp://")) {
    table.Fault("uri", "must begin with ssl:// or tcp://");
  }
  if (tls && broker.ca_file.empty()) table.Fault("ca", "is needed for ssl://");
  if (broker.cert_file.empty() != broker.key_file.empty()) {
    table.Fault("cert", "cert and key must be given together");
  }
  table.Finish();
}

void ReadDetect(ConfigTable table, detect::DetectOptions& detect) {
  detect.vanished_after =
      table.Duration("vanished_after", detect.vanished_after, milliseconds(0), hours(24));
  detect.failing_runs =
      static_cast<int>(table.Integer("failing_runs", detect.failing_runs, 1, 1000));
  table.Finish();
}

void ReadLimits(ConfigTable table, Limits& limits) {
  const auto count = [&](const char* key, size_t& value, int64_t max) {
    value = static_cast<size_t>(table.Integer(key, static_cast<int64_t>(value), 1, max));
  };
  count("machines", limits.machines, 1000000);
  count("series_per_machine", limits.series_per_machine, 20000);
  count("series", limits.series, 100000000);
  count("bytes_per_day", limits.bytes_per_day, int64_t{1} << 40);
  table.Finish();
}

query::Objective ReadObjective(ConfigTable table) {
  query::Objective objective;
  objective.journey = table.RequiredString("journey", 256);
  objective.step = table.String("step", "", 256);
  objective.seconds = table.Number("seconds", objective.seconds, 0.001, 3600);
  objective.minutes = table.Integer("minutes", objective.minutes, 0, 1440);
  table.Finish();
  return objective;
}

void ReadIdentity(ConfigTable table, Options& options) {
  options.id = table.String("id", options.id, 128);
  options.group = table.RequiredString("group", 128);
  Check(table, "id", sparkplug::CheckId(options.id));
  if (!options.group.empty()) Check(table, "group", sparkplug::CheckId(options.group));
  table.Finish();
}

void ReadStorage(ConfigTable& root, Options& options) {
  ConfigTable state = root.Table("state");
  options.directory = state.String("directory", options.directory);
  state.Finish();
  ConfigTable commit = root.Table("commit");
  options.commit_every =
      commit.Duration("every", options.commit_every, milliseconds(10), seconds(10));
  options.commit_bytes = commit.Integer("bytes", options.commit_bytes, 64 << 10, 256 << 20);
  commit.Finish();
  ConfigTable retention = root.Table("retention");
  const auto keep = [&](const char* key, milliseconds& value) {
    value = retention.Duration(key, value, hours(1), hours(24 * 3660));
  };
  keep("journal", options.retention.journal);
  keep("findings", options.retention.findings);
  retention.Finish();
}

Result<Options> Read(ConfigFile& file) {
  Options options;
  ConfigTable root = file.root();
  ReadIdentity(root.Table("collector"), options);
  ReadBroker(root.Table("broker"), options.broker);
  options.broker.client_id = options.id;
  ReadStorage(root, options);
  ConfigTable query = root.Table("query");
  options.query = ReadListen(query, options.query, true);
  options.secret_file = query.RequiredString("secret_file");
  query.Finish();
  ConfigTable metrics = root.Table("metrics");
  options.metrics = ReadListen(metrics, options.metrics, false);
  metrics.Finish();
  ReadDetect(root.Table("detect"), options.detect);
  for (ConfigTable& objective : root.Tables("objective")) {
    options.objectives.push_back(ReadObjective(objective));
  }
  ReadLimits(root.Table("limits"), options.limits);
  ConfigTable log = root.Table("log");
  options.log_level = log.OneOf("level", options.log_level, {"debug", "info", "warning", "error"});
  log.Finish();
  root.Finish();
  if (auto error = file.error()) return *error;
  return options;
}

}  // namespace

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

Result<Listen> ParseListen(std::string_view text) {
  const Error wrong{"must be a numeric address and a port, as 127.0.0.1:9311 or [::1]:9311"};
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  const std::string_view digits = text.substr(colon + 1);
  Listen listen;
  const auto [end, fault] =
      std::from_chars(digits.data(), digits.data() + digits.size(), listen.port);
  if (fault != std::errc() || end != digits.data() + digits.size()) return wrong;
  if (listen.port < 0 || listen.port > 65535) return wrong;
  std::string_view host = text.substr(0, colon);
  in6_addr address;
  if (host.starts_with('[') && host.ends_with(']')) {
    listen.host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, listen.host.c_str(), &address) != 1) return wrong;
  } else {
    listen.host = host;
    if (inet_pton(AF_INET, listen.host.c_str(), &address) != 1) return wrong;
  }
  return listen;
}

bool IsLoopback(const Listen& listen) {
  return listen.host == "::1" || listen.host.starts_with("127.");
}

}  // namespace haidang::collector
