#include "collector/options.h"

#include <algorithm>
#include <functional>

#include "core/config.h"
#include "core/io/broker_uri.h"
#include "core/io/secret.h"
#include "core/io/state_directory.h"
#include "core/io/tls_files.h"
#include "core/objective_config.h"
#include "core/sparkplug/topic.h"

namespace haidang::collector {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A broker that hangs is given up 2.5 times this after its last word.
constexpr seconds kKeepAlive{10};
// One client, beside the broker: it is back before the province is, whose births and data would
// else go nowhere.
constexpr seconds kBackoffMax{2};

// A string that `check` must accept; its Error becomes the fault's text.
void Check(ConfigTable& table, std::string_view key, const Status& status) {
  if (!status) table.Fault(key, status.error().message);
}

HostPort ReadListen(ConfigTable& table, const HostPort& fallback, bool loopback_only) {
  const auto listen = ParseListen(table.String("listen", ToString(fallback)));
  if (!listen) {
    table.Fault("listen", listen.error().message);
    return fallback;
  }
  if (loopback_only && !IsLoopback(listen->host)) {
    table.Fault("listen",
                "is reached from other machines, and answers are not encrypted; allowed: a "
                "loopback address (127.0.0.1 or [::1])");
  }
  return *listen;
}

void ReadBroker(ConfigTable table, MqttOptions& broker) {
  broker.uri = table.RequiredString("uri");
  broker.ca_file = table.String("ca", "");
  broker.cert_file = table.String("cert", "");
  broker.key_file = table.String("key", "");
  if (const Status uri = CheckBrokerUri(broker.uri); !uri) table.Fault("uri", uri.error().message);
  if (UsesTls(broker.uri)) {
    for (const char* key : {"ca", "cert", "key"}) (void)table.RequiredString(key);
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

void ReadBackfill(ConfigTable table, Grants::Rates& rates) {
  rates.total = table.Number("batches_per_second", rates.total, 1, 1e6);
  rates.machine = table.Number("machine_batches_per_second", rates.machine, 1, 1e4);
  table.Finish();
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
  if (options.directory.empty()) {
    state.Fault("directory", "must not be empty; allowed: a path");
  }
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
  store::Retention& kept = options.retention;
  keep("raw", kept.raw);
  // What is not named is as long as it must be.
  kept.five_minutes = std::max(kept.five_minutes, kept.raw);
  keep("five_minutes", kept.five_minutes);
  kept.hour = std::max(kept.hour, kept.five_minutes);
  keep("hour", kept.hour);
  if (kept.five_minutes < kept.raw) {
    retention.Fault(
        "five_minutes",
        "is shorter than retention.raw, of which it is made; allowed: as long or longer");
  }
  if (kept.hour < kept.five_minutes) {
    retention.Fault("hour",
                    "is shorter than retention.five_minutes, of which it is made; allowed: as long "
                    "or longer");
  }
  keep("findings", options.retention.findings);
  retention.Finish();
}

Result<Options> Read(ConfigFile& file) {
  Options options;
  ConfigTable root = file.root();
  ReadIdentity(root.Table("collector"), options);
  ReadBroker(root.Table("broker"), options.broker);
  options.broker.client_id = options.id;
  options.broker.keep_alive = kKeepAlive;
  options.broker.backoff_max = kBackoffMax;
  ReadStorage(root, options);
  ConfigTable query = root.Table("query");
  options.query = ReadListen(query, options.query, true);
  options.secret_file = query.RequiredString("secret_file");
  query.Finish();
  ConfigTable metrics = root.Table("metrics");
  options.metrics = ReadListen(metrics, options.metrics, false);
  metrics.Finish();
  if (Overlap(options.query, options.metrics)) {
    ConfigTable& at = metrics.Has("listen") ? metrics : query;
    at.Fault("listen", "query.listen " + ToString(options.query) + " and metrics.listen " +
                           ToString(options.metrics) +
                           " are the same port; allowed: a port of its own for each");
  }
  ReadDetect(root.Table("detect"), options.detect);
  for (ConfigTable& objective : root.Tables("objective")) {
    options.objectives.push_back(ReadObjective(objective));
  }
  options.remotes = remote::ReadRemotes(root);
  ReadLimits(root.Table("limits"), options.limits);
  ReadBackfill(root.Table("backfill"), options.backfill);
  ConfigTable journeys = root.Table("journeys");
  options.journey_requests_per_second =
      journeys.Number("max_requests_per_second", options.journey_requests_per_second, 0.01, 1000);
  journeys.Finish();
  ConfigTable log = root.Table("log");
  options.log_level = log.OneOf("level", options.log_level, {"debug", "info", "warning", "error"});
  log.Finish();
  root.Finish();
  if (auto error = file.error()) return *error;
  return options;
}

// What the files and directories that `options` name would make the program refuse.
void CheckNamed(ConfigTable root, const Options& options) {
  ConfigTable broker = root.Table("broker");
  CheckBroker(broker, options.broker);
  ConfigTable identity = root.Table("collector");
  CheckId(identity, options.id, options.broker);
  ConfigTable state = root.Table("state");
  Check(state, "directory", CheckStateDirectory(options.directory));
  ConfigTable query = root.Table("query");
  if (const auto secret = ReadSecret(options.secret_file); !secret) {
    query.Fault("secret_file", secret.error().message);
  }
  CheckRemotes(root, options.remotes);
}

}  // namespace

Result<Options> LoadOptions(const std::string& path) {
  auto file = ConfigFile::Load(path);
  if (!file) return file.error();
  auto options = Read(**file);
  if (!options) return options;
  CheckNamed((*file)->root(), *options);
  if (auto error = (*file)->error()) return *error;
  return options;
}

Result<Options> ParseOptions(std::string_view text, const std::string& path) {
  auto file = ConfigFile::Parse(text, path);
  if (!file) return file.error();
  return Read(**file);
}

}  // namespace haidang::collector
