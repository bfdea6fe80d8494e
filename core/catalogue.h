#pragma once

#include <span>
#include <string_view>

#include "core/sample.h"

namespace haidang {

enum class MetricType : uint8_t { kGauge, kCounter, kHistogram };

// One metric that our programs know: data from which birth properties, /metrics help texts,
// docs/metrics.md and the pages are generated or checked.
struct MetricInfo {
  std::string_view name;  // Prometheus name, base units
  MetricType type;
  DataType datatype;        // on the wire
  std::string_view unit;    // "seconds", "bytes", "ratio", "" for counts
  std::string_view labels;  // comma-separated label names in alphabetical order; "" for none
  std::string_view source;  // the agent's source that reads it, e.g. "cpu", comma-separated where
                            // there are several; "collector" or "server" for own metrics
  std::string_view help_vi;
  std::string_view help_en;
};

// All metrics, sorted by name. Static data.
std::span<const MetricInfo> Catalogue();

// Null when the name is not in the catalogue.
const MetricInfo* FindMetric(std::string_view name);

// Whether the agent's source `source` reads it.
bool IsReadBy(const MetricInfo& metric, std::string_view source);

// What a metric is that a machine tells with this datatype: the catalogue's type. Of one that it
// does not know (a textfile's, a plug-in's) Bytes are a histogram; names that end in _total,
// _bucket, _count or _sum are counters, as Prometheus' conventions have it; else a gauge.
MetricType TypeOfMetric(std::string_view name, DataType datatype);

// "gauge", "counter", "histogram".
std::string_view ToString(MetricType type);

}  // namespace haidang
