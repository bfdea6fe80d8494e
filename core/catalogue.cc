#include "core/catalogue.h"

#include <algorithm>
#include <vector>

#include "core/catalogue_rows.h"

namespace haidang {

std::span<const MetricInfo> Catalogue() {
  static const std::vector<MetricInfo> all = [] {
    std::vector<MetricInfo> rows;
    for (const auto part :
         {catalogue::NodeMetrics(), catalogue::KernelMetrics(), catalogue::NetworkMetrics(),
          catalogue::HardwareMetrics(), catalogue::CheckMetrics(), catalogue::ProbeMetrics(),
          catalogue::ProgramMetrics(), catalogue::CentralMetrics()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    std::sort(rows.begin(), rows.end(),
              [](const MetricInfo& a, const MetricInfo& b) { return a.name < b.name; });
    return rows;
  }();
  return all;
}

const MetricInfo* FindMetric(std::string_view name) {
  const std::span<const MetricInfo> all = Catalogue();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const MetricInfo& row, std::string_view n) { return row.name < n; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

bool IsReadBy(const MetricInfo& metric, std::string_view source) {
  std::string_view sources = metric.source;
  while (!sources.empty()) {
    const size_t comma = std::min(sources.find(','), sources.size());
    if (sources.substr(0, comma) == source) return true;
    sources.remove_prefix(std::min(comma + 1, sources.size()));
  }
  return false;
}

MetricType TypeOfMetric(std::string_view name, DataType datatype) {
  if (const MetricInfo* info = FindMetric(name)) return info->type;
  if (datatype == DataType::kBytes) return MetricType::kHistogram;
  for (const std::string_view suffix : {"_total", "_bucket", "_count", "_sum"}) {
    if (name.ends_with(suffix)) return MetricType::kCounter;
  }
  return MetricType::kGauge;
}

std::string_view ToString(MetricType type) {
  switch (type) {
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kCounter:
      return "counter";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace haidang
