#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/result.h"
#include "core/sample.h"

// Questions and answers between the server and the collector (docs/architecture.md, "Asking the
// collector"). JSON for small answers, binary columns for series. Every Decode takes hostile bytes.
namespace haidang::query {

// The longest range that one question may be about: 31 days.
inline constexpr int64_t kMaxRangeMs = 31LL * 24 * 3600 * 1000;

// Presence of a machine. Names are on the wire as "online", "stopped", …
enum class State : uint8_t {
  kOnline,     // data arrives
  kStopped,    // said goodbye: stopped on purpose
  kSuspended,  // said goodbye: going to sleep
  kVanished,   // the broker told its Will
  kSilent,     // connected as far as the broker knows, yet no data for three intervals
};
std::string_view ToString(State state);
std::optional<State> ParseState(std::string_view text);

struct ProbeNow {
  std::string journey;
  std::string step;
  std::optional<bool> success;
  std::optional<double> seconds;  // total duration of the last probe
  std::string reason;  // of failure: "dns", "refused", "timeout", …; "" where it succeeded
  std::optional<double> objective_seconds;
};

// What the overview shows of a machine. An absent value is unknown: never zero, never stale. All
// are absent unless the machine is online.
struct MachineNow {
  std::string machine;
  std::string site;       // code; "" where unknown
  std::string site_name;  // "" where the site is not in the snapshot
  std::string machine_class;
  std::string os;
  std::string agent_version;
  State state = State::kSilent;
  int64_t since_ms = 0;      // collector's clock: since when it is in this state
  int64_t last_seen_ms = 0;  // collector's clock: receipt of the last batch; 0: never
  std::optional<double> load1;
  std::optional<int64_t> cpus;
  std::optional<double> cpu_busy_ratio;     // over the last tick, [0, 1]
  std::optional<double> memory_used_ratio;  // 1 - MemAvailable/MemTotal
  std::optional<double> disk_used_ratio;    // of the fullest file system
  std::string disk_mountpoint;              // which one
  std::optional<double> uptime_seconds;
  std::vector<ProbeNow> probes;
};

struct Finding {
  int64_t id = 0;
  // "machine_vanished", "probe_failed", "response_slow", "check_failed", "objective_burning"
  std::string kind;
  std::string machine;  // "" of an objective, which is the province's
  std::string site;
  std::string site_name;
  std::string journey;  // "" where it is not about a probe
  std::string step;     // of "check_failed": the check's name
  int64_t opened_ms = 0;
  std::optional<int64_t> closed_ms;
  std::map<std::string, double> numbers;  // evidence now: "seconds"; "for_seconds": when it opened
  std::map<std::string, std::string> words;  // evidence: "reason", "state", "output"
};

struct Overview {
  std::string collector_id;
  std::string store_id;      // 16 hex digits
  int64_t now_ms = 0;        // collector's clock
  int64_t last_data_ms = 0;  // receipt of the last committed batch of any machine; 0: never
  bool broker_connected = false;
  // Collector's clock: since when it has no broker. Machines stand as they were known last.
  std::optional<int64_t> broker_down_since_ms;
  // Collector's clock: since when nothing can be stored (a full disk); values are absent meanwhile.
  std::optional<int64_t> not_stored_since_ms;
  std::vector<MachineNow> machines;  // by site, then name
  std::vector<Finding> open_findings;
};

// From the server to the collector; replaces what was there when `version` is higher.
struct Site {
  std::string code;  // official codes are strings: "06652"
  std::string name;
  std::string level;        // "province", "district", "commune"; free text
  std::string parent_code;  // "" for a root
  int64_t valid_from_ms = 0;
  std::optional<int64_t> valid_to_ms;  // exclusive
};
struct Placement {  // where a machine stands, by the inventory
  std::string machine;
  std::string site;
  std::string machine_class;
  int64_t valid_from_ms = 0;
  std::optional<int64_t> valid_to_ms;    // exclusive
  std::vector<std::string> serves = {};  // journeys whose system it is part of, or services behind
};
inline constexpr double kMinShare = 0.01;  // of runs that an objective may want
inline constexpr double kMaxShare = 0.99999;
struct Objective {
  std::string journey;
  std::string step;     // "" means every step
  double seconds = 3;   // a probe above this is over its objective
  int64_t minutes = 5;  // for at least this long: a finding
  // Over 30 days of working time: the share of runs that must succeed within `seconds`, and the
  // share that must succeed at all, each within [kMinShare, kMaxShare].
  std::optional<double> share = {};
  std::optional<double> availability = {};
};
struct Snapshot {
  int64_t version = 0;
  std::vector<Site> sites;
  std::vector<Placement> placements;
  std::vector<Objective> objectives;
  CalendarRules calendar;  // without hours: offices are always open
};

// One series over a range: parallel columns. NaN stands for unknown (a hole, or a failed source).
struct Column {
  std::string machine;
  SeriesId series;
  std::vector<int64_t> times_ms;  // ascending
  std::vector<double> values;     // as many
};

struct EventRow {
  std::string machine;
  Event event;
};

// An entry of a machine's gap ledger: batches (ticks) that were missing when a later one came.
struct Gap {
  std::string machine;
  std::optional<int64_t> from_ms;    // time of the last batch before; unknown where there was none
  int64_t to_ms = 0;                 // time of the first batch after
  int64_t batches = 0;               // that were missing
  int64_t recovered = 0;             // of them came late
  int64_t lost = 0;                  // of them will never come
  std::string reason;                // why some are lost; "" where none is
  int64_t opened_ms = 0;             // collector's clock
  std::optional<int64_t> closed_ms;  // nothing: the others may still come
};

std::string EncodeOverview(const Overview& overview);
Result<Overview> DecodeOverview(std::string_view json);
std::string EncodeFindings(const std::vector<Finding>& findings);
Result<std::vector<Finding>> DecodeFindings(std::string_view json);
std::string EncodeEvents(const std::vector<EventRow>& events);
Result<std::vector<EventRow>> DecodeEvents(std::string_view json);
std::string EncodeGaps(const std::vector<Gap>& gaps);
Result<std::vector<Gap>> DecodeGaps(std::string_view json);
std::string EncodeSnapshot(const Snapshot& snapshot);
Result<Snapshot> DecodeSnapshot(std::string_view json);
// As the snapshot holds it:
// {"week":[[[450,690],…],…],"days":[{"day":"2026-04-27","working":true}]}, Monday first, in minutes
// since midnight.
std::string EncodeCalendar(const CalendarRules& calendar);
Result<CalendarRules> DecodeCalendar(std::string_view json);

// "HDC1", then for each column: u32 length and JSON {"machine","metric","labels"}, u32 count, count
// int64 milliseconds, count IEEE doubles; all little-endian. Decoding never allocates more than the
// bytes justify.
std::string EncodeColumns(const std::vector<Column>& columns);
Result<std::vector<Column>> DecodeColumns(std::string_view bytes);
inline constexpr std::string_view kColumnsType = "application/vnd.haidang.columns";

}  // namespace haidang::query
