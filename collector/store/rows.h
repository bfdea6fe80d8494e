#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/range_set.h"
#include "core/catalogue.h"
#include "core/query.h"
#include "core/sample.h"

// The rows of telemetry.db as values (docs/store-format.md). Row ids are given by the collector,
// not by SQLite, so that what a rolled back transaction held can be written again under the same
// id.
namespace haidang::store {

struct MachineRow {
  int64_t id = 0;
  std::string name;
  std::string os;
  std::string agent_version;
  int64_t interval_ms = 15000;
  std::optional<uint8_t> bd_seq;  // of its last birth
  int64_t live_spool = 0;         // row id of the spool that new batches come from; 0: none yet
};

struct SpoolRow {
  int64_t id = 0;
  int64_t machine = 0;
  uint64_t spool_id = 0;
  int64_t layout = 0;      // whose aliases its batches speak; spools of one agent file share it
  int64_t touched_ms = 0;  // last birth that named it, collector's clock
  // Its agent gave one of its aliases a second meaning: nothing more of it is stored.
  bool redefined = false;
};

// What a series is, shared by all machines that have it.
struct SeriesRow {
  int64_t id = 0;
  SeriesId series;
  DataType datatype = DataType::kDouble;
  MetricType type = MetricType::kGauge;
  std::string unit;
};

struct AliasRow {
  int64_t layout = 0;
  uint64_t alias = 0;
  int64_t series = 0;  // 0: beyond the machine's cap, its values are not read
  uint32_t group = 0;
};

// On disk: never renumber.
inline constexpr int64_t kFlagFull = 1;
inline constexpr int64_t kFlagHistorical = 2;

struct JournalRow {
  int64_t machine = 0;
  int64_t spool = 0;
  uint64_t number = 0;
  int64_t time_ms = 0;    // when it was, by the collector's clock
  int64_t offset_ms = 0;  // how far the machine's clock was ahead
  int64_t received_ms = 0;
  int64_t flags = 0;
  uint64_t crc = 0;
  std::string_view payload;  // an NDATA payload that holds this batch alone
};

// A part of what a machine's batches of one window said (docs/store-format.md, "Blocks").
struct BlockRow {
  int64_t machine = 0;
  int64_t window_ms = 0;        // when the window begins
  int64_t part = 0;             // from 0; each row of the journal is in one
  int64_t journal_id = 0;       // the window's rows of the journal up to this id are in its parts
  int64_t ticks = 0;            // batches in it
  std::string bytes;            // of a Block
  std::vector<int64_t> series;  // of its columns, ascending
};

// When a boot of a machine was, by the collector's clock.
struct BootRow {
  int64_t machine = 0;
  uint64_t boot_id = 0;
  int64_t started_ms = 0;
  bool measured = false;  // by the machine; else the earliest time that the network allows
  int64_t seen_ms = 0;    // something live of it came last
};

struct PresenceRow {
  int64_t machine = 0;
  query::State state = query::State::kSilent;
  int64_t since_ms = 0;
};

// What the machine's births said of its place; never rewritten, only closed.
struct InfoRow {
  int64_t machine = 0;
  int64_t valid_from_ms = 0;
  std::string site;
  std::string machine_class;
};

// A range of settled numbers.
struct CommittedRow {
  NumberRange range;
  std::optional<uint64_t> last_crc{};  // of batch `range.last`, where it is stored
  bool operator==(const CommittedRow&) const = default;
};

// The reason of a GapRow for a batch that is stored under another spool id: nothing of it is lost.
inline constexpr char kSameReading[] = "same_reading";

// Numbers that will never come.
struct GapRow {
  int64_t spool = 0;
  NumberRange range;
  std::string reason;
  int64_t closed_ms = 0;
};

// An entry of the gap ledger: a stretch of batches that were missing when a later one came, and
// what became of them. It is open until each of them came or is known to be lost.
struct HoleRow {
  int64_t id = 0;
  int64_t machine = 0;
  int64_t spool = 0;
  NumberRange range;
  std::optional<int64_t> from_ms;  // time of the batch before; unknown where there was none
  int64_t to_ms = 0;               // time of the batch after
  std::string reason;              // why some are lost; "" while none is
  uint64_t recovered = 0;          // batches that came late
  uint64_t lost = 0;               // batches that will never come
  int64_t opened_ms = 0;           // collector's wall clock
  std::optional<int64_t> closed_ms;

  uint64_t size() const { return range.last - range.first + 1; }
};

// How far a receiver of remote write is.
struct RemoteRow {
  std::string url;     // as logs show it: without secrets
  int64_t cursor = 0;  // rows of the journal up to this id are settled with it
  int64_t kept = 0;    // those up to this id it has surely written down; at most `cursor`
};

// What could not be stored: one row a machine and reason, the last bytes kept for a look.
struct QuarantineRow {
  int64_t machine = 0;
  std::string reason;
  int64_t at_ms = 0;
  uint64_t spool_id = 0;
  uint64_t number = 0;
  std::string_view payload;
};

}  // namespace haidang::store
