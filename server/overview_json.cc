#include "server/overview_json.h"

#include <cmath>
#include <map>

#include "server/places.h"

namespace haidang::server {
namespace {

using nlohmann::json;

json OrNull(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

template <typename T>
json OrNull(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json TimeOrNull(int64_t time_ms) { return time_ms > 0 ? json(time_ms) : json(nullptr); }

json ProbeJson(const query::ProbeNow& probe, bool fresh) {
  return {{"journey", probe.journey},
          {"step", probe.step},
          {"success", fresh ? OrNull(probe.success) : nullptr},
          {"seconds", fresh ? OrNull(probe.seconds) : nullptr},
          {"reason", fresh ? probe.reason : ""},
          {"objective_seconds", OrNull(probe.objective_seconds)}};
}

json MachineJson(query::MachineNow machine, bool fresh) {
  json out = {{"machine", machine.machine},
              {"site", machine.site},
              {"site_name", machine.site_name},
              {"class", machine.machine_class},
              {"os", machine.os},
              {"agent_version", machine.agent_version},
              {"last_seen_ms", TimeOrNull(machine.last_seen_ms)}};
  const json state = query::ToString(machine.state);
  const json since = TimeOrNull(machine.since_ms);
  out["state"] = fresh ? state : json(nullptr);
  out["since_ms"] = fresh ? since : json(nullptr);
  out["as_of"] = fresh ? json(nullptr) : json{{"state", state}, {"since_ms", since}};
  const auto value = [fresh](const auto& known) { return fresh ? OrNull(known) : json(nullptr); };
  out["load1"] = value(machine.load1);
  out["cpus"] = value(machine.cpus);
  out["cpu_busy_ratio"] = value(machine.cpu_busy_ratio);
  out["memory_used_ratio"] = value(machine.memory_used_ratio);
  out["disk_used_ratio"] = value(machine.disk_used_ratio);
  out["disk_mountpoint"] = fresh ? machine.disk_mountpoint : "";
  out["uptime_seconds"] = value(machine.uptime_seconds);
  json& probes = out["probes"] = json::array();
  for (const query::ProbeNow& probe : machine.probes) probes.push_back(ProbeJson(probe, fresh));
  return out;
}

json CollectorJson(const LiveView& view) {
  const bool known = view.overview != nullptr;
  return {
      {"reachable", view.reachable},
      {"since_ms", view.since_ms},
      {"reason", view.reason},
      {"id", known ? view.overview->collector_id : ""},
      {"store_id", known ? view.overview->store_id : ""},
      {"broker_connected", view.reachable ? json(view.overview->broker_connected) : json(nullptr)},
      {"broker_down_since_ms",
       view.reachable ? OrNull(view.overview->broker_down_since_ms) : json(nullptr)},
      {"not_stored_since_ms",
       view.reachable ? OrNull(view.overview->not_stored_since_ms) : json(nullptr)}};
}

// The root of the tree of places; null where there is none or more than one.
json ProvinceJson(const std::vector<query::Site>& sites) {
  const query::Site* root = nullptr;
  for (const query::Site& site : sites) {
    if (!site.parent_code.empty()) continue;
    if (root != nullptr) return nullptr;
    root = &site;
  }
  return root != nullptr ? json{{"code", root->code}, {"name", root->name}} : json(nullptr);
}

}  // namespace

json OverviewJson(const LiveView& view, int64_t now_ms) {
  const std::vector<query::Site> sites = ValidAt(view.snapshot->sites, now_ms);
  json out = {{"collector", CollectorJson(view)}, {"province", ProvinceJson(sites)},
              {"last_data_ms", nullptr},          {"machines", MachinesJson(view)},
              {"findings", json::array()},        {"as_of", nullptr},
              {"sites", SitesJson(sites)}};
  if (view.overview == nullptr) return out;
  out["last_data_ms"] = TimeOrNull(view.overview->last_data_ms);
  json findings = FindingsJson(view.overview->open_findings);
  if (view.reachable) {
    out["findings"] = std::move(findings);
  } else {
    out["as_of"] = {{"time_ms", view.answered_ms}, {"findings", std::move(findings)}};
  }
  return out;
}

json MachinesJson(const LiveView& view) {
  json out = json::array();
  if (view.overview == nullptr) return out;
  const bool fresh = view.reachable && !view.overview->broker_down_since_ms;
  std::map<std::string_view, std::string_view> names;
  for (const query::Site& site : view.snapshot->sites) {
    if (!site.valid_to_ms) names[site.code] = site.name;
  }
  for (query::MachineNow machine : view.overview->machines) {
    const auto name = names.find(machine.site);
    if (machine.site_name.empty() && name != names.end()) machine.site_name = name->second;
    out.push_back(MachineJson(std::move(machine), fresh));
  }
  return out;
}

json SitesJson(const std::vector<query::Site>& sites) {
  json out = json::array();
  for (const query::Site& site : sites) {
    out.push_back({{"code", site.code},
                   {"name", site.name},
                   {"level", site.level},
                   {"parent_code", site.parent_code}});
  }
  return out;
}

json FindingsJson(const std::vector<query::Finding>& findings) {
  json out = json::array();
  for (const query::Finding& finding : findings) {
    json numbers = json::object();
    for (const auto& [name, value] : finding.numbers) {
      if (std::isfinite(value)) numbers[name] = value;
    }
    out.push_back({{"id", finding.id},
                   {"kind", finding.kind},
                   {"machine", finding.machine},
                   {"site", finding.site},
                   {"site_name", finding.site_name},
                   {"journey", finding.journey},
                   {"step", finding.step},
                   {"opened_ms", finding.opened_ms},
                   {"closed_ms", OrNull(finding.closed_ms)},
                   {"numbers", std::move(numbers)},
                   {"words", finding.words}});
  }
  return out;
}

json EventsJson(const std::vector<query::EventRow>& events) {
  json out = json::array();
  for (const query::EventRow& row : events) {
    out.push_back({{"machine", row.machine},
                   {"time_ms", row.event.time_ms},
                   {"kind", row.event.kind},
                   {"key", row.event.key},
                   {"text", row.event.text}});
  }
  return out;
}

json GapsJson(const std::vector<query::Gap>& gaps) {
  json out = json::array();
  for (const query::Gap& gap : gaps) {
    out.push_back({{"machine", gap.machine},
                   {"from_ms", OrNull(gap.from_ms)},
                   {"to_ms", gap.to_ms},
                   {"batches", gap.batches},
                   {"recovered", gap.recovered},
                   {"lost", gap.lost},
                   {"reason", gap.reason},
                   {"opened_ms", gap.opened_ms},
                   {"closed_ms", OrNull(gap.closed_ms)}});
  }
  return out;
}

json SeriesJson(const std::vector<query::Column>& columns) {
  json out = json::array();
  for (const query::Column& column : columns) {
    json labels = json::object();
    for (const auto& [name, value] : column.series.labels) labels[name] = value;
    json values = json::array();
    for (const double value : column.values) {
      values.push_back(std::isfinite(value) ? json(value) : json(nullptr));
    }
    out.push_back({{"machine", column.machine},
                   {"metric", column.series.metric},
                   {"labels", std::move(labels)},
                   {"times", column.times_ms},
                   {"values", std::move(values)}});
  }
  return out;
}

}  // namespace haidang::server
