#include "agent/sources/services.h"

#include <array>
#include <map>
#include <utility>

#include "agent/background.h"
#include "agent/sources/services_look.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxUnitName = 256;

// As node_exporter tells them.
constexpr std::array<std::string_view, 5> kStates = {"activating", "active", "deactivating",
                                                     "failed", "inactive"};

class ServicesSource final : public Source {
 public:
  ServicesSource(const std::string& root, Loop& loop, const ServicesOptions& options)
      : look_(loop,
              [look = std::make_shared<ServicesLook>(root + "run/dbus/system_bus_socket",
                                                     options.units)] { return look->Run(); }) {}

  std::string_view name() const override { return "services"; }
  void Prepare() override { look_.Start(); }
  bool Ready() const override { return look_.Ready(); }

  Status Read(int64_t wall_ms, std::vector<Reading>& readings,
              std::vector<Event>& events) override {
    const auto state = look_.Latest();
    if (!state) return state.error();
    if (!state->has_bus) return {};
    Add(readings, "node_systemd_system_running", {}, state->system == "running");
    Add(readings, "haidang_services_failed", {}, state->failed);
    for (const std::string_view one : kStates) {
      const auto count = state->counts.find(std::string(one));
      Add(readings, "node_systemd_units", {{"state", std::string(one)}},
          count != state->counts.end() ? count->second : 0);
    }
    for (const auto& [name, unit] : state->units)
      Report(ToUtf8(name, kMaxUnitName), unit, readings);
    TellChanges(*state, wall_ms, events);
    return {};
  }

 private:
  static void Report(const std::string& name, const UnitState& unit,
                     std::vector<Reading>& readings) {
    for (const std::string_view state : kStates) {
      Add(readings, "node_systemd_unit_state",
          {{"name", name}, {"state", std::string(state)}, {"type", unit.type}},
          state == unit.active);
    }
    const Labels labels = {{"name", name}};
    const auto count = [&](std::string_view metric, std::optional<uint64_t> number) {
      if (number) Add(readings, metric, labels, *number);
    };
    const auto seconds = [&](std::string_view metric, std::optional<uint64_t> number, double each) {
      if (number) Add(readings, metric, labels, static_cast<double>(*number) / each);
    };
    count("node_systemd_service_restart_total", unit.restarts);
    count("node_systemd_unit_tasks_current", unit.tasks);
    count("node_systemd_socket_accepted_connections_total", unit.accepted);
    count("haidang_service_memory_bytes", unit.memory_bytes);
    seconds("haidang_service_cpu_seconds_total", unit.cpu_ns, 1e9);
    seconds("node_systemd_unit_start_time_seconds", unit.start_us, 1e6);
    seconds("node_systemd_timer_last_trigger_seconds", unit.trigger_us, 1e6);
  }

  // What the last look saw otherwise. A unit that is not listed any more is inactive: that is how
  // a failed one goes that nobody asked for.
  void TellChanges(const ServicesState& now, int64_t wall_ms, std::vector<Event>& events) {
    std::map<std::string, std::string> active;
    for (const auto& [name, unit] : now.units) active.emplace(name, unit.active);
    if (known_) {
      for (const auto& [name, unit] : now.units) {
        const auto before = known_->find(name);
        const std::string was = before != known_->end() ? before->second : "active";
        if (was == unit.active) continue;
        if (before == known_->end() && unit.active != "failed") continue;
        std::string text = unit.active;
        if (!unit.result.empty()) text += " (" + unit.result + ")";
        events.push_back({wall_ms, "unit_state", ToUtf8(name, kMaxUnitName),
                          ToUtf8(text + ", was " + was, kMaxEventText)});
      }
      for (const auto& [name, was] : *known_) {
        if (active.contains(name) || was != "failed") continue;
        events.push_back(
            {wall_ms, "unit_state", ToUtf8(name, kMaxUnitName), "not failed any more"});
      }
    }
    known_ = std::move(active);
  }

  Background<ServicesState> look_;
  std::optional<std::map<std::string, std::string>> known_;  // active state by name
};

}  // namespace

ServicesOptions ReadServicesOptions(ConfigTable table) {
  constexpr size_t kMaxUnits = 128;
  ServicesOptions options;
  options.units = table.Strings("units", {}, kMaxUnits);
  for (const std::string& unit : options.units) {
    // systemd refuses a list with one bad name whole.
    const bool pattern = unit.find_first_of("*?[") != std::string::npos;
    const size_t dot = unit.rfind('.');
    const bool good = !unit.empty() && unit.size() <= kMaxUnitName &&
                      unit.find('/') == std::string::npos &&
                      (pattern || (dot != std::string::npos && dot > 0 && dot + 1 < unit.size()));
    if (good) continue;
    table.Fault("units", "\"" + Printable(unit) +
                             "\" is no unit; allowed: names such as \"nginx.service\" and patterns "
                             "such as \"postgresql@*\"");
  }
  table.Finish();
  return options;
}

std::unique_ptr<Source> MakeServicesSource(const std::string& root, Loop& loop,
                                           const ServicesOptions& options) {
  return std::make_unique<ServicesSource>(root, loop, options);
}

}  // namespace haidang::agent
