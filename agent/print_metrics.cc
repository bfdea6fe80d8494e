#include "agent/print_metrics.h"

#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include "core/catalogue.h"
#include "core/histogram_buckets.h"

namespace haidang::agent {
namespace {

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return error == std::errc() ? std::string(buffer, end) : "NaN";
}

std::string FormatSeries(std::string_view metric, const Labels& labels) {
  std::string out(metric);
  char separator = '{';
  for (const auto& [name, value] : labels) {
    out += separator;
    out += name + "=\"" + Escaped(value) + '"';
    separator = ',';
  }
  if (separator == ',') out += '}';
  return out;
}

void AppendHistogram(const SeriesId& series, const std::string& encoded, std::string& out) {
  const auto histogram = Histogram::Decode(encoded);
  if (!histogram) return;
  Labels labels = series.labels;
  const auto line = [&](std::string_view suffix, const std::string& value) {
    out += FormatSeries(series.metric + std::string(suffix), labels) + " " + value + "\n";
  };
  ForEachTextBucket(*histogram, [&](double bound, uint64_t count) {
    labels["le"] = FormatNumber(bound);
    line("_bucket", std::to_string(count));
  });
  labels["le"] = "+Inf";
  line("_bucket", std::to_string(histogram->count()));
  labels.erase("le");
  line("_sum", FormatNumber(histogram->sum()));
  line("_count", std::to_string(histogram->count()));
}

void AppendReading(const Reading& reading, std::string& out) {
  const std::string series = FormatSeries(reading.series.metric, reading.series.labels);
  if (const auto* bytes = std::get_if<Bytes>(&reading.value)) {
    AppendHistogram(reading.series, bytes->data, out);
  } else if (const auto* text = std::get_if<std::string>(&reading.value)) {
    out += "# " + series + " \"" + Escaped(*text) + "\"\n";
  } else if (const auto* number = std::get_if<uint64_t>(&reading.value)) {
    out += series + " " + std::to_string(*number) + "\n";
  } else if (const auto* integer = std::get_if<int64_t>(&reading.value)) {
    out += series + " " + std::to_string(*integer) + "\n";
  } else {
    out += series + " " + FormatNumber(AsNumber(reading.value)) + "\n";
  }
}

// Text has no type in Prometheus' format, and is told as a comment.
void AppendHead(const std::string& metric, const Value& value, std::string& out) {
  if (std::holds_alternative<std::string>(value)) return;
  if (const MetricInfo* info = FindMetric(metric)) {
    out += "# HELP " + metric + " " + std::string(info->help_en) + "\n";
  }
  const DataType datatype =
      std::holds_alternative<Bytes>(value) ? DataType::kBytes : DataType::kDouble;
  out += "# TYPE " + metric + " " + std::string(ToString(TypeOfMetric(metric, datatype))) + "\n";
}

}  // namespace

std::string FormatTick(const Tick& tick) {
  std::map<std::string_view, std::vector<const Reading*>> by_metric;
  for (const GroupReading& group : tick.groups) {
    for (const Reading& reading : group.readings) {
      if (std::holds_alternative<Null>(reading.value)) continue;
      by_metric[reading.series.metric].push_back(&reading);
    }
  }
  std::string out;
  for (const auto& [metric, readings] : by_metric) {
    AppendHead(std::string(metric), readings.front()->value, out);
    for (const Reading* reading : readings) AppendReading(*reading, out);
  }
  return out;
}

}  // namespace haidang::agent
