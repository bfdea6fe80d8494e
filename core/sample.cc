#include "core/sample.h"

#include <limits>

namespace haidang {
namespace {

struct ToDouble {
  double operator()(int64_t value) const { return static_cast<double>(value); }
  double operator()(uint64_t value) const { return static_cast<double>(value); }
  double operator()(double value) const { return value; }
  double operator()(bool value) const { return value ? 1 : 0; }
  template <typename Other>
  double operator()(const Other&) const {
    return std::numeric_limits<double>::quiet_NaN();
  }
};

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

double AsNumber(const Value& value) { return std::visit(ToDouble{}, value); }

std::string ToString(const SeriesId& series) {
  std::string out = series.metric;
  if (series.labels.empty()) return out;
  char separator = '{';
  for (const auto& [name, value] : series.labels) {
    out += separator;
    out += name;
    out += '=';
    AppendQuoted(value, out);
    separator = ',';
  }
  out += '}';
  return out;
}

}  // namespace haidang
