#include "core/query.h"

#include <array>
#include <cmath>
#include <utility>

#include "core/query_calendar.h"
#include "core/query_json.h"

namespace haidang::query {
namespace {

using nlohmann::json;

constexpr size_t kMaxJsonBytes = 64U
                                 << 20;  // 10 000 machines with five probes each are about 12 MiB

constexpr std::array<std::pair<State, std::string_view>, 5> kStates{{
    {State::kOnline, "online"},
    {State::kStopped, "stopped"},
    {State::kSuspended, "suspended"},
    {State::kVanished, "vanished"},
    {State::kSilent, "silent"},
}};

json ToJson(const ProbeNow& probe) {
  json out = {{"journey", probe.journey}, {"step", probe.step}, {"reason", probe.reason}};
  PutOptional(out, "success", probe.success);
  PutOptional(out, "seconds", probe.seconds);
  PutOptional(out, "objective_seconds", probe.objective_seconds);
  return out;
}

ProbeNow ProbeFromJson(JsonReader& in) {
  ProbeNow probe;
  probe.journey = in.Text("journey");
  probe.step = in.Text("step");
  probe.reason = in.TextOr("reason", "");
  probe.success = in.OptionalBool("success");
  probe.seconds = in.OptionalNumber("seconds");
  probe.objective_seconds = in.OptionalNumber("objective_seconds");
  return probe;
}

json ToJson(const MachineNow& machine) {
  json out = {{"machine", machine.machine},
              {"site", machine.site},
              {"site_name", machine.site_name},
              {"class", machine.machine_class},
              {"os", machine.os},
              {"agent_version", machine.agent_version},
              {"state", ToString(machine.state)},
              {"since_ms", machine.since_ms},
              {"last_seen_ms", machine.last_seen_ms},
              {"disk_mountpoint", machine.disk_mountpoint}};
  PutOptional(out, "load1", machine.load1);
  PutOptional(out, "cpus", machine.cpus);
  PutOptional(out, "cpu_busy_ratio", machine.cpu_busy_ratio);
  PutOptional(out, "memory_used_ratio", machine.memory_used_ratio);
  PutOptional(out, "disk_used_ratio", machine.disk_used_ratio);
  PutOptional(out, "uptime_seconds", machine.uptime_seconds);
  json& probes = out["probes"] = json::array();
  for (const ProbeNow& probe : machine.probes) probes.push_back(ToJson(probe));
  return out;
}

MachineNow MachineFromJson(JsonReader& in) {
  MachineNow machine;
  machine.machine = in.Text("machine");
  machine.site = in.TextOr("site", "");
  machine.site_name = in.TextOr("site_name", "");
  machine.machine_class = in.TextOr("class", "");
  machine.os = in.TextOr("os", "");
  machine.agent_version = in.TextOr("agent_version", "");
  const std::string state = in.Text("state");
  if (const auto known = ParseState(state)) {
    machine.state = *known;
  } else {
    in.Fault("state", "is no state of a machine: \"" + state.substr(0, 32) + "\"");
  }
  machine.since_ms = in.Int("since_ms");
  machine.last_seen_ms = in.Int("last_seen_ms");
  machine.disk_mountpoint = in.TextOr("disk_mountpoint", "");
  machine.load1 = in.OptionalNumber("load1");
  machine.cpus = in.OptionalInt("cpus");
  machine.cpu_busy_ratio = in.OptionalNumber("cpu_busy_ratio");
  machine.memory_used_ratio = in.OptionalNumber("memory_used_ratio");
  machine.disk_used_ratio = in.OptionalNumber("disk_used_ratio");
  machine.uptime_seconds = in.OptionalNumber("uptime_seconds");
  machine.probes = in.List<ProbeNow>("probes", ProbeFromJson);
  return machine;
}

json ToJson(const Finding& finding) {
  json out = {
      {"id", finding.id},     {"kind", finding.kind},           {"machine", finding.machine},
      {"site", finding.site}, {"site_name", finding.site_name}, {"journey", finding.journey},
      {"step", finding.step}, {"opened_ms", finding.opened_ms}, {"words", finding.words}};
  PutOptional(out, "closed_ms", finding.closed_ms);
  json& numbers = out["numbers"] = json::object();
  for (const auto& [name, value] : finding.numbers) {
    if (std::isfinite(value)) numbers[name] = value;
  }
  return out;
}

Finding FindingFromJson(JsonReader& in) {
  Finding finding;
  finding.id = in.Int("id");
  finding.kind = in.Text("kind");
  finding.machine = in.TextOr("machine", "");
  finding.site = in.TextOr("site", "");
  finding.site_name = in.TextOr("site_name", "");
  finding.journey = in.TextOr("journey", "");
  finding.step = in.TextOr("step", "");
  finding.opened_ms = in.Int("opened_ms");
  finding.closed_ms = in.OptionalInt("closed_ms");
  finding.numbers = in.Numbers("numbers");
  finding.words = in.Words("words");
  return finding;
}

json ToJson(const Site& site) {
  json out = {{"code", site.code},
              {"name", site.name},
              {"level", site.level},
              {"parent_code", site.parent_code},
              {"valid_from_ms", site.valid_from_ms}};
  PutOptional(out, "valid_to_ms", site.valid_to_ms);
  return out;
}

Site SiteFromJson(JsonReader& in) {
  Site site;
  site.code = in.Text("code");
  site.name = in.Text("name");
  site.level = in.TextOr("level", "");
  site.parent_code = in.TextOr("parent_code", "");
  site.valid_from_ms = in.Int("valid_from_ms");
  site.valid_to_ms = in.OptionalInt("valid_to_ms");
  return site;
}

json ToJson(const Placement& placement) {
  json out = {{"machine", placement.machine},
              {"site", placement.site},
              {"class", placement.machine_class},
              {"valid_from_ms", placement.valid_from_ms}};
  PutOptional(out, "valid_to_ms", placement.valid_to_ms);
  if (!placement.serves.empty()) out["serves"] = placement.serves;
  return out;
}

Placement PlacementFromJson(JsonReader& in) {
  Placement placement;
  placement.machine = in.Text("machine");
  placement.site = in.Text("site");
  placement.machine_class = in.TextOr("class", "");
  placement.valid_from_ms = in.Int("valid_from_ms");
  placement.valid_to_ms = in.OptionalInt("valid_to_ms");
  placement.serves = in.Texts("serves");
  return placement;
}

json ToJson(const Objective& objective) {
  json out = {{"journey", objective.journey},
              {"step", objective.step},
              {"seconds", objective.seconds},
              {"minutes", objective.minutes}};
  PutOptional(out, "share", objective.share);
  PutOptional(out, "availability", objective.availability);
  return out;
}

std::optional<double> ShareFromJson(JsonReader& in, const char* key) {
  const std::optional<double> share = in.OptionalNumber(key);
  if (!share || (*share >= kMinShare && *share <= kMaxShare)) return share;
  in.Fault(key, "must be a share from " + DumpJson(kMinShare) + " to " + DumpJson(kMaxShare));
  return std::nullopt;
}

Objective ObjectiveFromJson(JsonReader& in) {
  Objective objective;
  objective.journey = in.Text("journey");
  objective.step = in.TextOr("step", "");
  const std::optional<double> seconds = in.OptionalNumber("seconds");
  objective.minutes = in.Int("minutes");
  if (!seconds || *seconds <= 0) {
    in.Fault("seconds", "must be a number above 0");
  } else {
    objective.seconds = *seconds;
  }
  if (objective.minutes < 0) in.Fault("minutes", "must not be negative");
  objective.share = ShareFromJson(in, "share");
  objective.availability = ShareFromJson(in, "availability");
  return objective;
}

json ToJson(const EventRow& row) {
  return {{"machine", row.machine},
          {"time_ms", row.event.time_ms},
          {"kind", row.event.kind},
          {"key", row.event.key},
          {"text", row.event.text}};
}

EventRow EventFromJson(JsonReader& in) {
  EventRow row;
  row.machine = in.Text("machine");
  row.event.time_ms = in.Int("time_ms");
  row.event.kind = in.Text("kind");
  row.event.key = in.TextOr("key", "");
  row.event.text = in.TextOr("text", "");
  return row;
}

json ToJson(const Gap& gap) {
  json out = {{"machine", gap.machine},     {"to_ms", gap.to_ms}, {"batches", gap.batches},
              {"recovered", gap.recovered}, {"lost", gap.lost},   {"reason", gap.reason},
              {"opened_ms", gap.opened_ms}};
  PutOptional(out, "from_ms", gap.from_ms);
  PutOptional(out, "closed_ms", gap.closed_ms);
  return out;
}

Gap GapFromJson(JsonReader& in) {
  Gap gap;
  gap.machine = in.Text("machine");
  gap.from_ms = in.OptionalInt("from_ms");
  gap.to_ms = in.Int("to_ms");
  gap.batches = in.Int("batches");
  gap.recovered = in.Int("recovered");
  gap.lost = in.Int("lost");
  gap.reason = in.TextOr("reason", "");
  gap.opened_ms = in.Int("opened_ms");
  gap.closed_ms = in.OptionalInt("closed_ms");
  return gap;
}

template <typename T>
json ListToJson(const std::vector<T>& list) {
  json out = json::array();
  for (const T& item : list) out.push_back(ToJson(item));
  return out;
}

// Parses an object and lets `read` take it apart; the first fault becomes the Error.
template <typename T, typename Read>
Result<T> Decode(std::string_view text, const char* what, Read read) {
  Result<json> document = ParseJsonObject(text, kMaxJsonBytes);
  if (!document) return Error{std::string(what) + ": " + document.error().message};
  std::optional<Error> fault;
  JsonReader reader(*document, what, &fault);
  T value = read(reader);
  if (fault) return *fault;
  return value;
}

}  // namespace

std::string_view ToString(State state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  return "silent";
}

std::optional<State> ParseState(std::string_view text) {
  for (const auto& [state, name] : kStates) {
    if (name == text) return state;
  }
  return std::nullopt;
}

std::string EncodeOverview(const Overview& overview) {
  nlohmann::json out = {{"collector_id", overview.collector_id},
                        {"store_id", overview.store_id},
                        {"now_ms", overview.now_ms},
                        {"last_data_ms", overview.last_data_ms},
                        {"broker_connected", overview.broker_connected},
                        {"machines", ListToJson(overview.machines)},
                        {"open_findings", ListToJson(overview.open_findings)}};
  PutOptional(out, "broker_down_since_ms", overview.broker_down_since_ms);
  PutOptional(out, "not_stored_since_ms", overview.not_stored_since_ms);
  return DumpJson(out);
}

Result<Overview> DecodeOverview(std::string_view text) {
  return Decode<Overview>(text, "overview", [](JsonReader& in) {
    Overview overview;
    overview.collector_id = in.Text("collector_id");
    overview.store_id = in.TextOr("store_id", "");
    overview.now_ms = in.Int("now_ms");
    overview.last_data_ms = in.Int("last_data_ms");
    overview.broker_connected = in.Bool("broker_connected");
    overview.broker_down_since_ms = in.OptionalInt("broker_down_since_ms");
    overview.not_stored_since_ms = in.OptionalInt("not_stored_since_ms");
    overview.machines = in.List<MachineNow>("machines", MachineFromJson);
    overview.open_findings = in.List<Finding>("open_findings", FindingFromJson);
    return overview;
  });
}

std::string EncodeFindings(const std::vector<Finding>& findings) {
  return DumpJson({{"findings", ListToJson(findings)}});
}

Result<std::vector<Finding>> DecodeFindings(std::string_view text) {
  return Decode<std::vector<Finding>>(text, "findings", [](JsonReader& in) {
    return in.List<Finding>("findings", FindingFromJson);
  });
}

std::string EncodeEvents(const std::vector<EventRow>& events) {
  return DumpJson({{"events", ListToJson(events)}});
}

Result<std::vector<EventRow>> DecodeEvents(std::string_view text) {
  return Decode<std::vector<EventRow>>(
      text, "events", [](JsonReader& in) { return in.List<EventRow>("events", EventFromJson); });
}

std::string EncodeGaps(const std::vector<Gap>& gaps) {
  return DumpJson({{"gaps", ListToJson(gaps)}});
}

Result<std::vector<Gap>> DecodeGaps(std::string_view text) {
  return Decode<std::vector<Gap>>(text, "gaps",
                                  [](JsonReader& in) { return in.List<Gap>("gaps", GapFromJson); });
}

std::string EncodeSnapshot(const Snapshot& snapshot) {
  nlohmann::json out = {{"version", snapshot.version},
                        {"sites", ListToJson(snapshot.sites)},
                        {"placements", ListToJson(snapshot.placements)},
                        {"objectives", ListToJson(snapshot.objectives)}};
  if (snapshot.calendar != CalendarRules{}) out["calendar"] = ToJson(snapshot.calendar);
  return DumpJson(out);
}

Result<Snapshot> DecodeSnapshot(std::string_view text) {
  return Decode<Snapshot>(text, "snapshot", [](JsonReader& in) {
    Snapshot snapshot;
    snapshot.version = in.Int("version");
    if (snapshot.version < 0) in.Fault("version", "must not be negative");
    snapshot.sites = in.List<Site>("sites", SiteFromJson);
    snapshot.placements = in.List<Placement>("placements", PlacementFromJson);
    snapshot.objectives = in.List<Objective>("objectives", ObjectiveFromJson);
    snapshot.calendar = in.Object<CalendarRules>("calendar", CalendarFromJson);
    return snapshot;
  });
}

std::string EncodeCalendar(const CalendarRules& calendar) { return DumpJson(ToJson(calendar)); }

Result<CalendarRules> DecodeCalendar(std::string_view text) {
  return Decode<CalendarRules>(text, "calendar", CalendarFromJson);
}

}  // namespace haidang::query
