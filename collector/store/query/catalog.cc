#include "collector/store/query/catalog.h"

#include <algorithm>
#include <utility>

#include "collector/store/json.h"
#include "core/catalogue.h"

namespace haidang::store {
namespace {

// What a machine's births told, from then on.
struct Told {
  int64_t from_ms = 0;
  std::string site;
  std::string machine_class;
};

}  // namespace

Status Catalog::Refresh() {
  auto s =
      db_.Prepare("SELECT version, CASE WHEN version = ?1 THEN '' ELSE json END FROM snapshot");
  if (!s) return s.error();
  auto row = s->Bind(1, version_).Step();
  if (!row) return row.error();
  if (!*row || s->Int(0) == version_) return {};
  auto snapshot = query::DecodeSnapshot(s->Text(1));
  if (!snapshot) return snapshot.error();
  version_ = s->Int(0);
  places_ = Places(std::move(*snapshot));
  return {};
}

Result<std::vector<MachineEntry>> Catalog::Machines(const std::optional<std::string>& name) {
  auto s = db_.Prepare(name ? "SELECT id, name, interval_ms FROM machine WHERE name = ?1"
                            : "SELECT id, name, interval_ms FROM machine ORDER BY name");
  if (!s) return s.error();
  if (name) s->Bind(1, std::string_view(*name));
  std::vector<MachineEntry> machines;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return machines;
    machines.push_back({s->Int(0), std::string(s->Text(1)), s->Int(2)});
  }
}

Result<std::vector<SeriesEntry>> Catalog::Series(const std::string& metric) {
  auto s =
      db_.Prepare("SELECT id, labels, datatype, type FROM series WHERE metric = ?1 ORDER BY id");
  if (!s) return s.error();
  s->Bind(1, std::string_view(metric));
  std::vector<SeriesEntry> series;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return series;
    const auto datatype = static_cast<DataType>(s->Int(2));
    if (datatype == DataType::kString) continue;
    series.push_back({s->Int(0), DecodeLabels(s->Text(1)), datatype == DataType::kBytes,
                      s->Text(3) == ToString(MetricType::kCounter)});
  }
}

Result<std::set<int64_t>> Catalog::SeriesOf(int64_t machine, const std::set<int64_t>& wanted) {
  std::set<int64_t> found;
  // An agent's spools are many, their layouts few: aliases are read once a layout.
  for (const char* sql :
       {"SELECT series FROM machine_series WHERE machine = ?1",
        "SELECT a.series FROM (SELECT DISTINCT layout FROM spool WHERE machine = ?1) p"
        " JOIN alias a ON a.layout = p.layout"}) {
    auto s = db_.Keep(sql);
    if (!s) return s.error();
    (*s)->Bind(1, machine);
    for (;;) {
      auto row = (*s)->Step();
      if (!row) return row.error();
      if (!*row) break;
      if (wanted.contains((*s)->Int(0))) found.insert((*s)->Int(0));
    }
  }
  return found;
}

Result<std::vector<PlaceStretch>> Catalog::PlacesOf(const MachineEntry& machine, int64_t from_ms,
                                                    int64_t to_ms) {
  auto s = db_.Keep(
      "SELECT valid_from_ms, site, class FROM machine_info WHERE machine = ?1"
      " ORDER BY valid_from_ms");
  if (!s) return s.error();
  (*s)->Bind(1, machine.id);
  std::vector<Told> told;
  for (;;) {
    auto row = (*s)->Step();
    if (!row) return row.error();
    if (!*row) break;
    told.push_back({(*s)->Int(0), std::string((*s)->Text(1)), std::string((*s)->Text(2))});
  }
  if (told.empty()) told.emplace_back();
  std::vector<std::string_view> sites;
  for (const Told& row : told) sites.push_back(row.site);
  std::vector<int64_t> changes = places_.ChangesOf(machine.name, std::move(sites));
  for (const Told& row : told) changes.push_back(row.from_ms);
  std::erase_if(changes, [&](int64_t at) { return at <= from_ms || at >= to_ms; });
  changes.push_back(from_ms);
  std::sort(changes.begin(), changes.end());
  std::vector<PlaceStretch> stretches;
  for (const int64_t at : changes) {
    const auto after = std::upper_bound(told.begin(), told.end(), at,
                                        [](int64_t t, const Told& row) { return t < row.from_ms; });
    const Told& then = after == told.begin() ? *after : *std::prev(after);
    Place place = places_.Of(machine.name, then.site, then.machine_class, at);
    if (!stretches.empty() && stretches.back().place == place) continue;
    if (!stretches.empty()) stretches.back().to_ms = at;
    stretches.push_back({at, to_ms, std::move(place)});
  }
  return stretches;
}

}  // namespace haidang::store
