#include "agent/sources/plugins.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "agent/cadence.h"
#include "agent/item_trouble.h"
#include "agent/sources/plugin_output.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxPlugins = 64;
constexpr size_t kMaxEvents = 128;  // until the next Read
constexpr std::array<std::string_view, 4> kStates = {"ok", "warning", "critical", "unknown"};
constexpr size_t kUnknown = 3;

// What one run brought.
struct Outcome {
  size_t state = kUnknown;
  PluginOutput output;
  double took_s = 0;
};

// Its first line, or the first of what it complained of; may be empty.
std::string TextOf(const PluginOutput& output, const ChildResult& result) {
  if (!output.text.empty()) return output.text;
  std::string_view errors = result.errors;
  while (!errors.empty()) {
    std::string text = ParsePluginOutput(TakeLine(errors)).text;
    if (!text.empty()) return text;
  }
  return {};
}

Outcome Understand(const Command& command, ChildResult result) {
  // What was cut in the middle of a number is another number.
  if (result.truncated) result.output.resize(result.output.find_last_of(" \n") + 1);
  Outcome outcome;
  outcome.output = ParsePluginOutput(result.output);
  outcome.took_s = std::round(static_cast<double>(result.took_ns) / 1e6) / 1e3;
  const std::string text = TextOf(outcome.output, result);
  const bool exited = result.end == ChildResult::End::kExited;
  if (exited && result.code >= 0 && result.code <= static_cast<int>(kUnknown)) {
    outcome.state = static_cast<size_t>(result.code);
    outcome.output.text = text.empty() ? "has printed nothing" : text;
    return outcome;
  }
  std::string why = exited ? "exit code " + std::to_string(result.code) : result.problem;
  if (result.end == ChildResult::End::kNotStarted) {
    why = NameOf(command) + " " + why;
  } else if (!text.empty()) {
    why += ": " + text;
  }
  if (!exited) outcome.output = {};
  outcome.output.text = Printable(why, kMaxPluginText);
  return outcome;
}

class PluginsSource final : public Source {
 public:
  PluginsSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                std::chrono::milliseconds sampling, const std::vector<PluginOptions>& plugins)
      : runner_(std::move(runner)), clock_(clock) {
    plugins_.reserve(plugins.size());
    for (const PluginOptions& options : plugins) {
      plugins_.push_back(
          {options, {clock, options.interval, sampling}, {"plugin " + options.name, clock}});
    }
  }

  std::string_view name() const override { return "plugins"; }

  void Prepare() override {
    for (Plugin& plugin : plugins_) {
      if (plugin.child != nullptr || !plugin.cadence.IsDue()) continue;
      plugin.cadence.Begin();
      plugin.child = runner_->Start(plugin.options.command, [this, &plugin](ChildResult result) {
        OnResult(plugin, std::move(result));
      });
    }
  }

  bool Ready() const override {
    return std::none_of(plugins_.begin(), plugins_.end(), [](const Plugin& plugin) {
      return plugin.child != nullptr && !plugin.outcome;
    });
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>& events) override {
    for (const Plugin& plugin : plugins_) {
      if (!plugin.outcome) continue;
      Report(plugin.options, *plugin.outcome, readings);
      Add(readings, "haidang_plugin_runs_total", {{"name", plugin.options.name}},
          uint64_t{plugin.runs});
    }
    std::move(events_.begin(), events_.end(), std::back_inserter(events));
    events_.clear();
    return {};
  }

 private:
  struct Plugin {
    PluginOptions options;
    Cadence cadence;
    ItemTrouble trouble;
    std::unique_ptr<Child> child = nullptr;  // while it runs
    std::optional<Outcome> outcome = {};     // of the newest run that ended
    uint64_t runs = 0;                       // that ended
  };

  void OnResult(Plugin& plugin, ChildResult result) {
    plugin.child.reset();
    if (result.end == ChildResult::End::kExited) {
      plugin.trouble.Worked();
    } else {
      plugin.trouble.Failed(result.problem);
    }
    Outcome outcome = Understand(plugin.options.command, std::move(result));
    if (!plugin.options.perfdata) {
      outcome.output.values.clear();
      outcome.output.bad = 0;
    }
    // Before its first run it is taken for ok, so that one that is not is told.
    const size_t before = plugin.outcome ? plugin.outcome->state : 0;
    if (outcome.state != before) TellChange(plugin, outcome, before);
    plugin.outcome = std::move(outcome);
    ++plugin.runs;
  }

  void TellChange(const Plugin& plugin, const Outcome& outcome, size_t before) {
    if (events_.size() >= kMaxEvents) return;
    const std::string was =
        plugin.outcome ? ", was " + std::string(kStates[before]) : std::string();
    const std::string state = std::string(kStates[outcome.state]) + ": ";
    const size_t room = kMaxEventText - state.size() - was.size();
    events_.push_back({clock_.WallMs(), "plugin_state", plugin.options.name,
                       state + ToUtf8(outcome.output.text, room) + was});
  }

  static void Report(const PluginOptions& options, const Outcome& outcome,
                     std::vector<Reading>& readings) {
    const Labels labels = {{"name", options.name}};
    Add(readings, "haidang_plugin_state", labels, uint64_t{outcome.state});
    Add(readings, "haidang_plugin_output", labels, outcome.output.text);
    Add(readings, "haidang_plugin_duration_seconds", labels, outcome.took_s);
    if (!options.perfdata) return;
    Add(readings, "haidang_plugin_bad_perfdata", labels, uint64_t{outcome.output.bad});
    for (const PluginValue& value : outcome.output.values) Report(options, value, readings);
  }

  static void Report(const PluginOptions& options, const PluginValue& value,
                     std::vector<Reading>& readings) {
    const Labels plain = {{"label", value.label}, {"name", options.name}};
    Labels labels = plain;
    labels.emplace("unit", value.unit);
    const auto add = [&](std::string_view metric, std::optional<double> number) {
      if (number) Add(readings, metric, labels, *number);
    };
    if (!value.counter) {
      add("haidang_plugin_value", value.number);
    } else if (value.number) {
      Add(readings, "haidang_plugin_counter_total", plain, *value.number);
    }
    add("haidang_plugin_value_min", value.possible.min);
    add("haidang_plugin_value_max", value.possible.max);
    add("haidang_plugin_warning_min", value.warning.min);
    add("haidang_plugin_warning_max", value.warning.max);
    add("haidang_plugin_critical_min", value.critical.min);
    add("haidang_plugin_critical_max", value.critical.max);
  }

  const std::shared_ptr<ChildRunner> runner_;
  const Clock& clock_;
  std::vector<Plugin> plugins_;  // never grows: callbacks hold its elements
  std::vector<Event> events_;
};

}  // namespace

std::vector<PluginOptions> ReadPluginOptions(ConfigTable& root) {
  std::vector<PluginOptions> all;
  std::set<std::string> names;
  for (ConfigTable& table : root.Tables("plugin", kMaxPlugins)) {
    PluginOptions one;
    one.name = table.RequiredString("name", 64);
    if (!one.name.empty() && !names.insert(one.name).second) {
      table.Fault("name", "there are two [[plugin]] of this name; allowed: each name once");
    }
    one.command = ReadCommand(table);
    one.interval = table.Duration("interval", one.interval, 10s, 24h);
    one.perfdata = table.Bool("perfdata", one.perfdata);
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> MakePluginsSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                          std::chrono::milliseconds sampling,
                                          const std::vector<PluginOptions>& plugins) {
  return std::make_unique<PluginsSource>(std::move(runner), clock, sampling, plugins);
}

}  // namespace haidang::agent
