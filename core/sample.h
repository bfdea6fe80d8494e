#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace haidang {

// Sparkplug B datatypes that we send. On the wire and on disk: never renumber.
enum class DataType : uint8_t {
  kInt64 = 4,
  kUInt64 = 8,
  kDouble = 10,
  kBoolean = 11,
  kString = 12,
  kBytes = 17,  // an encoded exponential histogram, see core/histogram.h
};

// "The source failed": the series has no value now. Not the same as unchanged, nor as zero.
struct Null {
  bool operator==(const Null&) const = default;
};

// Encoded bytes, told apart from text.
struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};

// What a series states at one tick.
using Value = std::variant<Null, int64_t, uint64_t, double, bool, std::string, Bytes>;

// Integers and Booleans as double; NaN for Null, text and bytes.
double AsNumber(const Value& value);

// Sorted by label name; names match [a-zA-Z_][a-zA-Z0-9_]*, values are UTF-8.
using Labels = std::map<std::string, std::string, std::less<>>;

// What a series is, beside its machine. Nothing else is its identity.
struct SeriesId {
  std::string metric;  // the catalogue's name, e.g. "node_filesystem_avail_bytes"
  Labels labels;
  auto operator<=>(const SeriesId&) const = default;
};

// Prometheus' way to write a series: metric{a="x",b="y"}, without braces where there is no label.
std::string ToString(const SeriesId& series);

// One reading of one series, as a source produces it.
struct Reading {
  SeriesId series;
  Value value;
};

// Something that happened, at the machine's own time. Travels in the same batches as numbers.
struct Event {
  int64_t time_ms = 0;  // wall clock of the machine
  std::string kind;     // small fixed set, e.g. "probe_failed", "agent_started"
  std::string key;      // what it happened to, e.g. "mot-cua/tra-cuu"
  std::string text;     // at most kMaxEventText bytes of UTF-8
  bool operator==(const Event&) const = default;
};

inline constexpr size_t kMaxEventText = 512;

}  // namespace haidang
