#include "server/options.h"

#include <algorithm>
#include <array>

#include "core/objective_config.h"
#include "core/utf8.h"
#include "server/calendar.h"

namespace haidang::server {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::array kWeekdays{"monday", "tuesday",  "wednesday", "thursday",
                               "friday", "saturday", "sunday"};
constexpr char kAllowedHours[] =
    "; allowed: at most 8 stretches such as \"07:30-11:30\", none after 24:00, each after the one "
    "before";
static_assert(kMaxStretches == 8);

void ReadServer(ConfigTable& table, Options& options) {
  const std::string listen = table.String("listen", ToString(options.listen), 256);
  if (auto address = ParseListen(listen)) {
    options.listen = *address;
  } else {
    table.Fault("listen", address.error().message);
  }
  options.max_streams =
      static_cast<int>(table.Integer("max_streams", options.max_streams, 1, 1024));
  table.Finish();
}

void ReadCollector(ConfigTable& table, Options& options) {
  const std::string url =
      table.String("url", std::string(kHttp) + ToString(options.collector), 256);
  std::string_view rest = url;
  if (!rest.starts_with(kHttp)) {
    table.Fault("url", "must begin with http://; allowed: \"http://127.0.0.1:9311\"");
  } else {
    rest.remove_prefix(kHttp.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    auto address = ParseHostPort(rest);
    if (!address) {
      table.Fault("url", address.error().message);
    } else if (address->port == 0) {
      table.Fault("url", "needs the collector's port; allowed: 1 to 65535");
    } else if (!IsLoopback(address->host)) {
      table.Fault("url",
                  "is reached over the network, where the secret would travel in the clear; "
                  "allowed: a loopback address (127.0.0.1, [::1] or localhost)");
    } else {
      options.collector = *address;
    }
  }
  options.secret_file = table.RequiredString("secret_file");
  table.Finish();
}

void ReadObjectives(ConfigTable& root, Options& options) {
  for (ConfigTable& table : root.Tables("objective")) {
    query::Objective objective = ReadObjective(table);
    for (const query::Objective& other : options.objectives) {
      if (other.journey == objective.journey && other.step == objective.step) {
        table.Fault("journey",
                    "has a second objective for the same journey and step; allowed: one each");
      }
    }
    options.objectives.push_back(std::move(objective));
  }
}

std::vector<DayHours> ReadHours(ConfigTable& table, const char* weekday) {
  std::vector<DayHours> hours;
  for (const std::string& text : table.Strings(weekday, {}, kMaxStretches)) {
    const auto stretch = ParseStretch(text);
    if (!stretch) {
      table.Fault(weekday, "holds \"" + Printable(text, 32) + "\"" + kAllowedHours);
      return {};
    }
    hours.push_back(*stretch);
  }
  if (const Status checked = CheckHours(hours); !checked) {
    table.Fault(weekday, checked.error().message + kAllowedHours);
  }
  return hours;
}

void ReadCalendar(ConfigTable& root, Options& options) {
  ConfigTable table = root.Table("calendar");
  options.calendar_file = table.String("file", "");
  std::vector<std::vector<DayHours>> week;
  bool given = false;
  for (const char* weekday : kWeekdays) {
    given = given || table.Has(weekday);
    week.push_back(ReadHours(table, weekday));
  }
  table.Finish();
  const auto shut = [](const std::vector<DayHours>& hours) { return hours.empty(); };
  if (given && std::all_of(week.begin(), week.end(), shut)) {
    root.Fault("calendar",
               "has no hours on any day, so that offices would always be shut; allowed: hours of "
               "one day at least, such as monday = [\"07:30-11:30\"]");
  }
  if (given) {
    options.office_hours = std::move(week);
  } else if (!options.calendar_file.empty()) {
    options.office_hours = UsualWeek();
  }
}

// Where Prometheus shall ask: an address with a port.
void CheckTarget(ConfigTable& table, std::string_view key, const std::string& target) {
  const auto address = ParseHostPort(target);
  if (!address) {
    table.Fault(key, address.error().message);
  } else if (address->port == 0) {
    table.Fault(key, "needs a port; allowed: 1 to 65535");
  }
}

void ReadMetrics(ConfigTable table, Options& options) {
  options.fleet_targets = table.Strings("fleet_targets", {}, 64);
  for (const std::string& target : options.fleet_targets) {
    CheckTarget(table, "fleet_targets", target);
  }
  options.own_target = table.String("own_target", "", 256);
  if (!options.own_target.empty()) CheckTarget(table, "own_target", options.own_target);
  table.Finish();
}

}  // namespace

Result<Options> ReadOptions(ConfigFile& file) {
  Options options;
  ConfigTable root = file.root();
  ConfigTable server = root.Table("server"), collector = root.Table("collector");
  ReadServer(server, options);
  ReadCollector(collector, options);
  if (Overlap(options.listen, options.collector)) {
    const std::string what = "server.listen " + ToString(options.listen) + " and collector.url " +
                             ToString(options.collector) +
                             " are the same port; allowed: a port of its own for each";
    server.Has("listen") ? server.Fault("listen", what) : collector.Fault("url", what);
  }
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
  ReadCalendar(root, options);
  ReadMetrics(root.Table("metrics"), options);
  ConfigTable log = root.Table("log");
  options.log_level = log.OneOf("level", options.log_level, {"debug", "info", "warning", "error"});
  log.Finish();
  root.Finish();
  if (auto error = file.error()) return *error;
  return options;
}

Result<Options> ParseOptions(std::string_view text, const std::string& path) {
  auto file = ConfigFile::Parse(text, path);
  if (!file) return file.error();
  return ReadOptions(**file);
}

}  // namespace haidang::server
