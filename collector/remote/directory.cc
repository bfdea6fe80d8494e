#include "collector/remote/directory.h"

#include "collector/store/json.h"
#include "collector/told_labels.h"
#include "core/catalogue.h"
#include "core/query.h"
#include "core/sparkplug/batch.h"

namespace haidang::remote {

Result<std::unique_ptr<Directory>> Directory::Open(const std::string& path) {
  DatabaseOptions options;
  options.read_only = true;
  auto db = Database::Open(path, options);
  if (!db) return db.error();
  return std::unique_ptr<Directory>(new Directory(std::move(*db)));
}

Status Directory::Refresh() {
  auto s = db_.Prepare("SELECT version, json FROM snapshot WHERE version <> ?1");
  if (!s) return s.error();
  auto row = s->Bind(1, places_version_).Step();
  if (!row) return row.error();
  if (!*row) return {};
  auto snapshot = query::DecodeSnapshot(s->Text(1));
  if (!snapshot) return Error{db_.path() + ": table snapshot: " + snapshot.error().message};
  places_version_ = s->Int(0);
  places_ = collector::Places(std::move(*snapshot));
  return {};
}

Result<Standing> Directory::StandingOf(int64_t machine, int64_t time_ms) {
  // Before its first birth came it stood where that said.
  auto s = db_.Prepare(
      "SELECT m.name, m.interval_ms, i.site, i.class FROM machine m LEFT JOIN machine_info i"
      " ON i.machine = m.id AND i.valid_from_ms = coalesce("
      "  (SELECT max(valid_from_ms) FROM machine_info WHERE machine = ?1 AND valid_from_ms <= ?2),"
      "  (SELECT min(valid_from_ms) FROM machine_info WHERE machine = ?1))"
      " WHERE m.id = ?1");
  if (!s) return s.error();
  auto row = s->Bind(1, machine).Bind(2, time_ms).Step();
  if (!row) return row.error();
  Standing standing;
  if (!*row) return standing;
  standing.name = s->Text(0);
  standing.interval_ms = s->Int(1);
  standing.place = places_.Of(standing.name, s->Text(2), s->Text(3), time_ms);
  return standing;
}

Result<bool> Directory::IsOnline(int64_t machine) {
  auto s = db_.Prepare("SELECT 1 FROM presence WHERE machine = ?1 AND state = ?2");
  if (!s) return s.error();
  return s->Bind(1, machine).Bind(2, query::ToString(query::State::kOnline)).Step();
}

Result<std::map<int64_t, int64_t>> Directory::SpoolsOf(int64_t machine) {
  auto s = db_.Prepare("SELECT id, layout FROM spool WHERE machine = ?1");
  if (!s) return s.error();
  s->Bind(1, machine);
  std::map<int64_t, int64_t> spools;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return spools;
    spools.emplace(s->Int(0), s->Int(1));
  }
}

Result<std::vector<Directory::Meaning>> Directory::AliasesOf(int64_t layout) {
  auto s = db_.Prepare(
      "SELECT a.alias, a.series, a.source_group, s.datatype FROM alias a"
      " LEFT JOIN series s ON s.id = a.series WHERE a.layout = ?1");
  if (!s) return s.error();
  s->Bind(1, layout);
  std::vector<Meaning> meanings;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return meanings;
    meanings.push_back({s->UInt(0), s->IsNull(3) ? 0 : s->Int(1),
                        static_cast<uint8_t>(s->Int(2) & (sparkplug::kMaxGroups - 1)),
                        static_cast<DataType>(s->Int(3))});
  }
}

Result<const ToldSeries*> Directory::SeriesOf(int64_t series) {
  if (const auto known = series_.find(series); known != series_.end()) return known->second.get();
  auto s = db_.Prepare("SELECT metric, labels, datatype, type FROM series WHERE id = ?1");
  if (!s) return s.error();
  auto row = s->Bind(1, series).Step();
  if (!row) return row.error();
  if (!*row) return nullptr;
  ToldSeries told{std::string(s->Text(0)), store::DecodeLabels(s->Text(1)), false};
  const auto datatype = static_cast<DataType>(s->Int(2));
  const MetricInfo* info = FindMetric(told.metric);
  const bool is_histogram = info != nullptr ? info->type == MetricType::kHistogram
                                            : s->Text(3) == ToString(MetricType::kHistogram);
  told.histogram = datatype == DataType::kBytes;
  auto& known = series_[series];
  if (datatype != DataType::kString && told.histogram == is_histogram &&
      collector::MayBeTold(told.metric)) {
    known = std::make_unique<ToldSeries>(std::move(told));
  }
  return known.get();
}

}  // namespace haidang::remote
