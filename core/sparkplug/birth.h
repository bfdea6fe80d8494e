#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/result.h"
#include "core/sample.h"

// NBIRTH, NDEATH and STATE payloads (docs/wire-format.md).
namespace haidang::sparkplug {

// A series as a birth declares it. An alias is never redefined within a spool id.
struct BirthSeries {
  SeriesId series;
  uint64_t alias = 0;
  DataType datatype = DataType::kDouble;
  MetricType type = MetricType::kGauge;
  std::string unit;
  uint32_t group = 0;  // index into Birth::groups
  Value value;         // the value now; told to other readers, never stored as a sample
};

// What an agent holds of one spool id.
struct HeldSpool {
  uint64_t spool_id = 0;
  uint64_t first =
      1;              // oldest number that will still come; numbers below that never came are a gap
  uint64_t next = 1;  // the number that the next batch will have
  std::string reason;  // why numbers below `first` will not come: "", "full", "age", "corrupt"
  // Where `first` is `next` and the collector has said that it has all: when the agent forgot what
  // it held, by the collector's clock; else 0.
  int64_t ended_ms = 0;
};

struct Birth {
  int64_t timestamp_ms = 0;
  uint64_t seq = 0;
  uint8_t bd_seq = 0;
  uint64_t spool_id = 0;            // the spool that new batches go to
  std::vector<HeldSpool> held;      // includes spool_id
  std::vector<std::string> groups;  // source names; bit i of BatchHeader::groups is groups[i]
  std::string agent_version;
  std::string os;               // "linux", "windows"
  std::string machine_class;    // "server", "workstation"
  std::string site;             // configured site code, may be empty
  int64_t interval_ms = 15000;  // between ticks
  uint64_t boot_id = 0;         // as in BatchHeader; 0: not told
  int64_t since_boot_ms = 0;    // when this birth was made
  std::vector<BirthSeries> series;
};

// Bounds of a birth; a birth beyond them is refused.
inline constexpr size_t kMaxSeries = 20000;
inline constexpr size_t kMaxLabels = 16;        // a series
inline constexpr size_t kMaxNameBytes = 256;    // metric's name, label's name
inline constexpr size_t kMaxLabelBytes = 1024;  // label's value
inline constexpr size_t kMaxTextBytes = 256;    // unit, group, version, class, site, reason
inline constexpr size_t kMaxHeldSpools = 1024;
inline constexpr size_t kBirthAllocationFactor = 32;  // bytes allocated ≤ this times the message's

// Everything that Sparkplug B 3.0 asks of an NBIRTH is added: Node Control/Rebirth, bdSeq, the
// reserved metrics and the commands of the acknowledgement profile. Required: every series passes
// CheckSeries, aliases and series are unique, groups are at most kMaxGroups and hold no comma. Of
// more than kMaxHeldSpools the current one and the first others are told; later births tell the
// rest.
std::string EncodeBirth(const Birth& birth);

// Of any origin: bounded by the constants above; Errors name the metric at fault. A conformant
// birth of a foreign node decodes with `spool_id` 0, bd_seq, seq and timestamp, without series.
Result<Birth> DecodeBirth(std::string_view payload);

// bdSeq alone, as the standard demands. `timestamp_ms` is the time of the CONNECT.
std::string EncodeDeath(uint8_t bd_seq, int64_t timestamp_ms);
Result<uint8_t> DecodeDeath(std::string_view payload);

// STATE's JSON: {"online":bool,"timestamp":ms}.
std::string EncodeState(bool online, int64_t timestamp_ms);

// A metric's wire name: the catalogue's name, then a folder for each label value in order of label
// names; bytes outside [A-Za-z0-9-] in label values are written `_XX` (hex), an empty value `_`.
std::string WireName(const SeriesId& series);

// Whether a birth can declare it: [a-zA-Z_:][a-zA-Z0-9_:]* for the metric, [a-zA-Z_][a-zA-Z0-9_]*
// for label names, not beginning with "__"; values UTF-8; all within the bounds above. "Spool",
// "Agent" and "bdSeq" are no metric's names.
Status CheckSeries(const SeriesId& series);

}  // namespace haidang::sparkplug
