#include "collector/series_table.h"

#include <algorithm>
#include <utility>

namespace haidang::collector {
namespace {

std::string Key(const SeriesId& series, DataType datatype) {
  return ToString(series) + '\n' + std::to_string(static_cast<int>(datatype));
}

bool HasLabel(const SeriesId& series, std::string_view name, std::string_view value) {
  const auto it = series.labels.find(name);
  return it != series.labels.end() && it->second == value;
}

Role RoleOf(const SeriesId& series, DataType datatype) {
  const std::string& metric = series.metric;
  if (metric == "haidang_probe_reason") {
    return datatype == DataType::kString ? Role::kProbeReason : Role::kNone;
  }
  if (metric == "haidang_plugin_output") {
    return datatype == DataType::kString ? Role::kCheckOutput : Role::kNone;
  }
  if (datatype == DataType::kString || datatype == DataType::kBytes) return Role::kNone;
  if (metric == "haidang_probe_runs_total") return Role::kProbeRuns;
  if (metric == "haidang_probe_requests_total") return Role::kProbeRequests;
  if (metric == "haidang_journey_shared") return Role::kJourneyShared;
  if (metric == "haidang_journey_leased") return Role::kJourneyLeased;
  if (metric == "haidang_journey_interval_seconds") return Role::kJourneyInterval;
  if (metric == "haidang_journey_runs_total") return Role::kJourneyRuns;
  if (metric == "haidang_plugin_state") return Role::kCheckState;
  if (metric == "haidang_plugin_runs_total") return Role::kCheckRuns;
  if (metric == "node_cpu_seconds_total") {
    const bool idle = HasLabel(series, "mode", "idle") || HasLabel(series, "mode", "iowait");
    return idle ? Role::kCpuIdle : Role::kCpuOther;
  }
  if (metric == "node_filesystem_size_bytes") return Role::kDiskSize;
  if (metric == "node_filesystem_avail_bytes") return Role::kDiskAvailable;
  if (metric == "node_filesystem_readonly") return Role::kDiskReadOnly;
  if (metric == "probe_success") return Role::kProbeSuccess;
  if (metric == "probe_duration_seconds") return Role::kProbeDuration;
  if (!series.labels.empty()) return Role::kNone;  // a part, or somebody else's
  if (metric == "node_load1") return Role::kLoad1;
  if (metric == "node_memory_MemTotal_bytes") return Role::kMemoryTotal;
  if (metric == "node_memory_MemAvailable_bytes") return Role::kMemoryAvailable;
  if (metric == "node_boot_time_seconds") return Role::kBootTime;
  if (metric == "haidang_agent_clock_offset_seconds") return Role::kClockOffset;
  if (metric == "haidang_agent_clock_error_seconds") return Role::kClockError;
  return Role::kNone;
}

}  // namespace

SeriesTable::SeriesTable(std::vector<store::SeriesRow> rows) {
  for (store::SeriesRow& row : rows) Add(std::move(row));
  saved_ = defs_.size();
}

const SeriesDef* SeriesTable::Add(store::SeriesRow row) {
  const auto [metric, fresh] =
      metrics_.emplace(row.series.metric, static_cast<uint32_t>(metrics_.size()));
  const auto [identity, first] =
      identities_.emplace(ToString(row.series), static_cast<uint32_t>(identities_.size()));
  last_id_ = std::max(last_id_, row.id);
  SeriesDef& def = defs_.emplace_back();
  def.role = RoleOf(row.series, row.datatype);
  def.metric = metric->second;
  def.identity = identity->second;
  def.row = std::move(row);
  by_key_.emplace(Key(def.row.series, def.row.datatype), &def);
  by_id_.emplace(def.row.id, &def);
  return &def;
}

const SeriesDef* SeriesTable::Find(const SeriesId& series, DataType datatype) const {
  const auto it = by_key_.find(Key(series, datatype));
  return it == by_key_.end() ? nullptr : it->second;
}

const SeriesDef* SeriesTable::Intern(const SeriesId& series, DataType datatype, MetricType type,
                                     const std::string& unit) {
  if (const SeriesDef* def = Find(series, datatype)) return def;
  if (defs_.size() >= kMax) return nullptr;
  return Add({last_id_ + 1, series, datatype, type, unit});
}

const SeriesDef* SeriesTable::ById(int64_t id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

std::vector<const SeriesDef*> SeriesTable::Unsaved() const {
  std::vector<const SeriesDef*> unsaved;
  for (size_t i = saved_; i < defs_.size(); ++i) unsaved.push_back(&defs_[i]);
  return unsaved;
}

}  // namespace haidang::collector
