#include "agent/sources/exposition_text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxLabels = 16;
constexpr size_t kMaxLabelBytes = 512;
constexpr size_t kMaxNameBytes = 128;

bool IsNameByte(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

void SkipBlanks(std::string_view& line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
}

// Takes a name off; empty where there is none. Metrics may have colons, labels not.
std::string_view TakeName(std::string_view& line, bool colons) {
  size_t end = 0;
  while (end < line.size() && (IsNameByte(line[end], end == 0) || (colons && line[end] == ':')))
    ++end;
  const std::string_view name = line.substr(0, end);
  line.remove_prefix(end);
  return name.size() <= kMaxNameBytes ? name : std::string_view();
}

// Takes a text in quotes off, with \\, \" and \n; nothing where it is none.
std::optional<std::string> TakeQuoted(std::string_view& line) {
  if (line.empty() || line.front() != '"') return std::nullopt;
  line.remove_prefix(1);
  std::string text;
  while (!line.empty()) {
    char c = line.front();
    line.remove_prefix(1);
    if (c == '"') return text;
    if (c == '\\') {
      if (line.empty()) return std::nullopt;
      c = line.front() == 'n' ? '\n' : line.front();
      line.remove_prefix(1);
    }
    text += c;
  }
  return std::nullopt;
}

// Go's words for what is no number, and numbers as std::from_chars reads them.
std::optional<double> ParseValue(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return kInfinity;
  if (text == "-Inf") return -kInfinity;
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "" where it went well, else what is wrong.
std::string_view TakeLabels(std::string_view& line, Labels& labels) {
  SkipBlanks(line);
  if (line.empty() || line.front() != '{') return "";
  line.remove_prefix(1);
  for (;;) {
    SkipBlanks(line);
    if (!line.empty() && line.front() == '}') break;
    const std::string name(TakeName(line, false));
    SkipBlanks(line);
    if (name.empty() || line.empty() || line.front() != '=')
      return "has no label where one must be";
    if (name.starts_with("__")) return "has a label that begins with __";
    line.remove_prefix(1);
    SkipBlanks(line);
    const auto value = TakeQuoted(line);
    if (!value) return "has a label whose value is not in quotes";
    if (!IsUtf8(*value) || value->size() > kMaxLabelBytes)
      return "has a label that is overlong or no UTF-8";
    if (labels.size() == kMaxLabels) return "has more than 16 labels";
    if (!labels.emplace(name, *value).second) return "has a label twice";
    SkipBlanks(line);
    if (line.empty() || (line.front() != ',' && line.front() != '}'))
      return "has labels that do not end";
    if (line.front() == ',') line.remove_prefix(1);
  }
  line.remove_prefix(1);
  return "";
}

// "" where it went well, else what is wrong.
std::string_view ParseSample(std::string_view line, Reading& reading) {
  reading.series.metric = TakeName(line, true);
  if (reading.series.metric.empty()) return "does not begin with a metric's name";
  if (const std::string_view fault = TakeLabels(line, reading.series.labels); !fault.empty()) {
    return fault;
  }
  const auto value = ParseValue(TakeField(line));
  if (!value) return "has no number";
  if (!TakeField(line).empty()) return "has a time stamp, or more behind its number";
  reading.value = *value;
  return "";
}

}  // namespace

Result<std::vector<Reading>> ParseExposition(std::string_view text, size_t max_samples) {
  std::vector<Reading> readings;
  std::set<SeriesId> seen;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = TakeLine(text);
    SkipBlanks(line);
    if (line.empty() || line.front() == '#' || line.front() == '\r') continue;
    Reading reading;
    std::string_view fault = ParseSample(line, reading);
    if (fault.empty() && !seen.insert(reading.series).second) fault = "tells a series again";
    if (!fault.empty()) return Error{"line " + std::to_string(number) + " " + std::string(fault)};
    if (readings.size() == max_samples) {
      return Error{"more than " + std::to_string(max_samples) + " samples"};
    }
    readings.push_back(std::move(reading));
  }
  return readings;
}

}  // namespace haidang::agent
