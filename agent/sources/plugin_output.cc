#include "agent/sources/plugin_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxUnit = 16;  // bytes
constexpr size_t kMaxBad = 10'000;
constexpr double kGreatest = 1e200;  // so that in its base unit it is a number too

struct Unit {
  std::string_view name;  // as plug-ins write it, in capitals
  std::string_view base;
  double factor;
};

// The guidelines' units. KB is 1000 bytes, as they and Icinga have it, and KiB is 1024.
constexpr std::array kUnits = {
    Unit{"S", "seconds", 1},      Unit{"MS", "seconds", 1e-3},  Unit{"US", "seconds", 1e-6},
    Unit{"NS", "seconds", 1e-9},  Unit{"%", "ratio", 0.01},     Unit{"B", "bytes", 1},
    Unit{"KB", "bytes", 1e3},     Unit{"MB", "bytes", 1e6},     Unit{"GB", "bytes", 1e9},
    Unit{"TB", "bytes", 1e12},    Unit{"PB", "bytes", 1e15},    Unit{"EB", "bytes", 1e18},
    Unit{"KIB", "bytes", 0x1p10}, Unit{"MIB", "bytes", 0x1p20}, Unit{"GIB", "bytes", 0x1p30},
    Unit{"TIB", "bytes", 0x1p40}, Unit{"PIB", "bytes", 0x1p50}, Unit{"EIB", "bytes", 0x1p60},
};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes what stands before `separator` off `text`, and the separator; all of it where there is
// none.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

// A number at the head of `text`; takes it off.
std::optional<double> TakeNumber(std::string_view& text) {
  std::string_view rest = text;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || !(std::abs(number) <= kGreatest)) return std::nullopt;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  text = rest;
  return number;
}

// Where a value's unit leads: its base unit, and what a number of it is to be multiplied by.
struct Scale {
  std::string unit;
  double factor = 1;
  bool counter = false;
};

std::optional<Scale> ScaleOf(std::string_view unit) {
  if (unit.empty()) return Scale{};
  if (unit == "c") return Scale{.unit = {}, .factor = 1, .counter = true};
  std::string capitals(unit.substr(0, kMaxUnit + 1));
  for (char& c : capitals) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (const Unit& known : kUnits) {
    if (known.name == capitals) return Scale{std::string(known.base), known.factor, false};
  }
  // People's own, such as "rpm" or "°C".
  const bool digits = std::any_of(unit.begin(), unit.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '=' || static_cast<unsigned char>(c) < 0x20;
  });
  if (digits || unit.size() > kMaxUnit || !IsUtf8(unit)) return std::nullopt;
  return Scale{.unit = std::string(unit), .factor = 1, .counter = false};
}

// One bound of a range; the unit may stand behind it once more.
struct Bound {
  bool good = false;
  std::optional<double> number;  // nothing: it is infinite
};

Bound ParseBound(std::string_view text, std::string_view unit, const Scale& scale) {
  const auto number = TakeNumber(text);
  if (!number || !(text.empty() || text == unit)) return {};
  return {true, *number * scale.factor};
}

// "10", "10:", "~:10", "10:20", "@10:20"; counts in `bad` what is none of them.
PluginRange ParseRange(std::string_view text, std::string_view unit, const Scale& scale,
                       size_t& bad) {
  if (text.empty()) return {};
  const bool inside = text.starts_with('@');
  if (inside) text.remove_prefix(1);
  const size_t colon = text.find(':');
  Bound min{true, {}};
  Bound max{true, {}};
  if (colon == std::string_view::npos) {
    // From 0, which is told only where it says something: what counts is never less.
    max = ParseBound(text, unit, scale);
  } else {
    const std::string_view first = text.substr(0, colon);
    const std::string_view last = text.substr(colon + 1);
    if (first != "~" && !first.empty()) min = ParseBound(first, unit, scale);
    if (!last.empty()) max = ParseBound(last, unit, scale);
  }
  if (!min.good || !max.good || (min.number && max.number && *min.number > *max.number)) {
    ++bad;
    return {};
  }
  if (inside) return {};
  return {min.number, max.number};
}

std::optional<double> ParseLimit(std::string_view text, std::string_view unit, const Scale& scale,
                                 size_t& bad) {
  if (text.empty()) return std::nullopt;
  const Bound bound = ParseBound(text, unit, scale);
  if (!bound.good) ++bad;
  return bound.number;
}

// Takes a label and its "=" off `text`; nothing where there is none. In quotes a quote is doubled.
std::optional<std::string> TakeLabel(std::string_view& text) {
  constexpr size_t kLongest = 512;  // that is looked at
  std::string label;
  size_t end = 0;
  if (text.starts_with('\'')) {
    for (end = 1; end < text.size() && end < kLongest; ++end) {
      if (text[end] == '\'' && !text.substr(end + 1).starts_with('\'')) break;
      if (text[end] == '\'') ++end;
      label += text[end];
    }
    ++end;
  } else {
    while (end < text.size() && end < kLongest && text[end] != '=' && !IsBlank(text[end])) ++end;
    label = text.substr(0, end);
  }
  label = Printable(Trimmed(label), kMaxPluginLabel);
  if (label.empty() || end >= text.size() || text[end] != '=') return std::nullopt;
  text.remove_prefix(end + 1);
  return label;
}

// "20ms;100;500;0;" without its label.
std::optional<PluginValue> ParseValue(std::string label, std::string_view text, size_t& bad) {
  std::string_view value = TakeUntil(text, ';');
  PluginValue out;
  out.label = std::move(label);
  const bool unknown = value == "U";
  if (unknown) {
    value = {};
  } else if (out.number = TakeNumber(value); !out.number) {
    return std::nullopt;
  }
  const auto scale = ScaleOf(value);
  if (!scale) return std::nullopt;
  out.unit = scale->unit;
  out.counter = scale->counter;
  if (out.number) *out.number *= scale->factor;
  out.warning = ParseRange(TakeUntil(text, ';'), value, *scale, bad);
  out.critical = ParseRange(TakeUntil(text, ';'), value, *scale, bad);
  out.possible.min = ParseLimit(TakeUntil(text, ';'), value, *scale, bad);
  out.possible.max = ParseLimit(TakeUntil(text, ';'), value, *scale, bad);
  return out;
}

void ParseValues(std::string_view data, PluginOutput& output) {
  for (data = Trimmed(data); !data.empty() && output.bad < kMaxBad; data = Trimmed(data)) {
    auto label = TakeLabel(data);
    // The rest of it, up to the next blank.
    const size_t end =
        static_cast<size_t>(std::find_if(data.begin(), data.end(), IsBlank) - data.begin());
    auto value =
        label ? ParseValue(std::move(*label), data.substr(0, end), output.bad) : std::nullopt;
    data.remove_prefix(end);
    const bool fits = value && output.values.size() < kMaxPluginValues &&
                      std::none_of(output.values.begin(), output.values.end(),
                                   [&](const auto& other) { return other.label == value->label; });
    if (fits) {
      output.values.push_back(std::move(*value));
    } else {
      ++output.bad;
    }
  }
}

}  // namespace

PluginOutput ParsePluginOutput(std::string_view output) {
  PluginOutput out;
  std::string_view first = TakeUntil(output, '\n');
  out.text = Printable(Trimmed(TakeUntil(first, '|')), kMaxPluginText);
  ParseValues(first, out);
  // Further lines of text, and behind the next "|" nothing but performance data.
  TakeUntil(output, '|');
  ParseValues(output, out);
  return out;
}

}  // namespace haidang::agent
