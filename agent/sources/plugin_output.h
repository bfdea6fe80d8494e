#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a monitoring plug-in prints: text, then performance data behind a "|", as the Monitoring
// Plugins' development guidelines have it.
namespace haidang::agent {

// Where a value is as it should be; a bound that is missing is none.
struct PluginRange {
  std::optional<double> min;
  std::optional<double> max;
  bool operator==(const PluginRange&) const = default;
};

// A measured value with its thresholds, all in `unit`.
struct PluginValue {
  std::string label;             // UTF-8, at most kMaxPluginLabel bytes, never empty
  std::string unit;              // "seconds", "bytes", "ratio", "", or as the plug-in says it
  bool counter = false;          // counts up for ever
  std::optional<double> number;  // nothing: the plug-in could not tell ("U")
  // What is neither warning nor critical. Nothing where there is no threshold, or one that is no
  // range of good values ("@10:20", which warns within).
  PluginRange warning;
  PluginRange critical;
  PluginRange possible;  // the least and the greatest value that there can be
};

inline constexpr size_t kMaxPluginValues = 64;
inline constexpr size_t kMaxPluginLabel = 128;
inline constexpr size_t kMaxPluginText = 512;

struct PluginOutput {
  std::string text;                 // the first line, printable UTF-8, at most kMaxPluginText bytes
  std::vector<PluginValue> values;  // at most kMaxPluginValues, each label once
  size_t bad = 0;                   // what of the performance data could not be read
};

// Takes any bytes.
PluginOutput ParsePluginOutput(std::string_view output);

}  // namespace haidang::agent
