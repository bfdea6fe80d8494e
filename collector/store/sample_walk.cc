#include "collector/store/sample_walk.h"

#include <map>
#include <utility>

#include "collector/store/for_each.h"
#include "collector/store/json.h"
#include "collector/store/store_file.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {
namespace {

MetricType ParseType(std::string_view text) {
  if (text == ToString(MetricType::kCounter)) return MetricType::kCounter;
  if (text == ToString(MetricType::kHistogram)) return MetricType::kHistogram;
  return MetricType::kGauge;
}

}  // namespace

Result<SampleWalk> SampleWalk::Open(const std::string& path) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  return SampleWalk(std::move(file->db()));
}

Result<std::vector<MetricOfStore>> SampleWalk::Metrics() {
  std::vector<MetricOfStore> metrics;
  auto read = ForEach(db_, "SELECT metric, datatype, type, unit FROM series ORDER BY metric, id",
                      [&](const Statement& s) {
                        const auto datatype = static_cast<DataType>(s.Int(1));
                        if (!metrics.empty() && metrics.back().name == s.Text(0)) {
                          if (metrics.back().datatype != DataType::kString) return;
                          if (datatype == DataType::kString) return;
                          metrics.pop_back();
                        }
                        metrics.push_back({std::string(s.Text(0)), datatype, ParseType(s.Text(2)),
                                           std::string(s.Text(3))});
                      });
  if (!read) return read.error();
  return metrics;
}

// Those that its spools speak of, and those that only blocks have any more.
Result<std::vector<SeriesOfMachine>> SampleWalk::SeriesOf(const MachineEntry& machine,
                                                          const std::string& metric) {
  std::map<Labels, ScanQuestion> found;
  const auto question = [&](const Statement& s) -> ScanQuestion& {
    ScanQuestion& one = found[DecodeLabels(s.Text(1))];
    one.machine = machine.id;
    one.slots[s.Int(0)] = 0;
    return one;
  };
  const auto read = [&](const char* sql, const auto& each) -> Status {
    auto s = db_.Prepare(sql);
    if (!s) return s.error();
    s->Bind(1, machine.id).Bind(2, metric);
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) return {};
      each(*s);
    }
  };
  Status done = read(
      "SELECT s.id, s.labels, s.datatype, p.id, a.alias, a.source_group FROM spool p"
      " JOIN alias a ON a.layout = p.layout JOIN series s ON s.id = a.series"
      " WHERE p.machine = ?1 AND s.metric = ?2",
      [&](const Statement& s) {
        const uint64_t alias = s.UInt(4);
        if (alias < sparkplug::kFirstSeriesAlias) return;
        const auto group = static_cast<uint8_t>(s.Int(5) & (sparkplug::kMaxGroups - 1));
        question(s).speakers[s.Int(3)].Set(alias, {0, group, static_cast<DataType>(s.Int(2))});
      });
  if (done) {
    done = read(
        "SELECT s.id, s.labels FROM machine_series m JOIN series s ON s.id = m.series"
        " WHERE m.machine = ?1 AND s.metric = ?2",
        question);
  }
  if (!done) return done.error();
  std::vector<SeriesOfMachine> all;
  for (auto& [labels, one] : found) all.push_back({labels, std::move(one)});
  return all;
}

Status SampleWalk::Walk(const SeriesOfMachine& series, int64_t from_ms, int64_t to_ms,
                        const Visit& visit) {
  ScanQuestion question = series.question;
  question.from_ms = from_ms;
  question.to_ms = to_ms - 1;
  return Scan(db_, question).Run([&](const TickRow& row, const Head& head) {
    visit(row.time_ms, head);
    return true;
  });
}

}  // namespace haidang::store
