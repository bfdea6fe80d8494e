#include <algorithm>
#include <map>
#include <utility>

#include "collector/store/columns.h"
#include "collector/store/holes.h"
#include "collector/store/json.h"
#include "collector/store/reader.h"
#include "collector/store/scan.h"
#include "core/io/database.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {
namespace {

struct MachineKey {
  int64_t id = 0;
  int64_t interval_ms = 15000;
};

// The series that are asked for: slots are columns.
struct Question {
  ScanQuestion scan;
  std::vector<query::Column> columns;
  std::map<Labels, uint32_t> by_labels;
};

class StoreReader final : public Reader {
 public:
  explicit StoreReader(Database db) : db_(std::move(db)) {}

  Result<SeriesAnswer> Series(const SeriesQuestion& asked) override {
    SeriesAnswer answer;
    auto machine = FindMachine(asked.machine);
    if (!machine) return machine.error();
    if (machine->id == 0) return answer;
    Question question;
    question.scan.machine = machine->id;
    question.scan.from_ms = asked.from_ms;
    question.scan.to_ms = asked.to_ms;
    if (auto done = FindSeries(asked, question); !done) return done.error();
    if (question.columns.size() > kMaxSeries) {
      answer.refused = "more than " + std::to_string(kMaxSeries) + " series; name more labels";
      return answer;
    }
    if (question.columns.empty()) return answer;
    ColumnWriter writer(std::move(question.columns), asked.step_ms, machine->interval_ms,
                        kMaxPoints);
    auto done = Scan(db_, question.scan).Run([&](const TickRow& row, const Head& head) {
      writer.Tick(row.time_ms, head);
      return !writer.full();
    });
    if (!done) return done.error();
    if (writer.full()) {
      answer.refused =
          "more than " + std::to_string(kMaxPoints) + " points; ask for less time or a larger step";
      return answer;
    }
    answer.columns = writer.Take();
    return answer;
  }

  Result<std::vector<query::EventRow>> Events(const std::string& machine, int64_t from_ms,
                                              int64_t to_ms) override {
    auto s = db_.Prepare(
        "SELECT time_ms, kind, key, text FROM event WHERE machine ="
        " (SELECT id FROM machine WHERE name = ?4) AND time_ms BETWEEN ?1 AND ?2"
        " ORDER BY time_ms DESC, id DESC LIMIT ?3");
    if (!s) return s.error();
    s->Bind(1, from_ms).Bind(2, to_ms).Bind(3, static_cast<int64_t>(kMaxEvents)).Bind(4, machine);
    std::vector<query::EventRow> rows;
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) return rows;
      rows.push_back(
          {machine,
           {s->Int(0), std::string(s->Text(1)), std::string(s->Text(2)), std::string(s->Text(3))}});
    }
  }

  Result<std::vector<query::Gap>> Gaps(const std::string& machine, int64_t from_ms,
                                       int64_t to_ms) override {
    auto s = db_.Prepare(std::string(kSelectHole) +
                         " WHERE machine = (SELECT id FROM machine WHERE name = ?4)"
                         " AND to_ms >= ?1 AND coalesce(from_ms, to_ms) <= ?2"
                         " ORDER BY to_ms DESC, id DESC LIMIT ?3");
    if (!s) return s.error();
    s->Bind(1, from_ms).Bind(2, to_ms).Bind(3, static_cast<int64_t>(kMaxGaps)).Bind(4, machine);
    std::vector<query::Gap> gaps;
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) return gaps;
      HoleRow hole = ReadHole(*s);
      gaps.push_back({machine, hole.from_ms, hole.to_ms, static_cast<int64_t>(hole.size()),
                      static_cast<int64_t>(hole.recovered), static_cast<int64_t>(hole.lost),
                      std::move(hole.reason), hole.opened_ms, hole.closed_ms});
    }
  }

  Result<std::vector<query::Finding>> Findings(int64_t from_ms, int64_t to_ms) override {
    auto s = db_.Prepare(
        "SELECT id, kind, machine, site, site_name, journey, step, opened_ms, closed_ms, numbers,"
        " words FROM finding WHERE opened_ms <= ?2 AND (closed_ms IS NULL OR closed_ms >= ?1)"
        " ORDER BY opened_ms DESC, id DESC LIMIT ?3");
    if (!s) return s.error();
    s->Bind(1, from_ms).Bind(2, to_ms).Bind(3, static_cast<int64_t>(kMaxFindings));
    std::vector<query::Finding> findings;
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) return findings;
      query::Finding finding;
      finding.id = s->Int(0);
      finding.kind = s->Text(1);
      finding.machine = s->Text(2);
      finding.site = s->Text(3);
      finding.site_name = s->Text(4);
      finding.journey = s->Text(5);
      finding.step = s->Text(6);
      finding.opened_ms = s->Int(7);
      if (!s->IsNull(8)) finding.closed_ms = s->Int(8);
      finding.numbers = DecodeNumbers(s->Text(9));
      finding.words = DecodeWords(s->Text(10));
      findings.push_back(std::move(finding));
    }
  }

 private:
  // Id 0 where there is no such machine.
  Result<MachineKey> FindMachine(const std::string& name) {
    auto s = db_.Prepare("SELECT id, interval_ms FROM machine WHERE name = ?1");
    if (!s) return s.error();
    auto row = s->Bind(1, name).Step();
    if (!row) return row.error();
    if (!*row) return MachineKey{};
    return MachineKey{s->Int(0), s->Int(1)};
  }

  // Those that its spools speak of, and those that only blocks have any more.
  Status FindSeries(const SeriesQuestion& asked, Question& question) {
    auto spoken = db_.Prepare(
        "SELECT s.id, s.labels, s.datatype, p.id, a.alias, a.source_group FROM spool p"
        " JOIN alias a ON a.layout = p.layout JOIN series s ON s.id = a.series"
        " WHERE p.machine = ?1 AND s.metric = ?2 ORDER BY s.labels");
    if (!spoken) return spoken.error();
    spoken->Bind(1, question.scan.machine).Bind(2, asked.metric);
    auto done = ForEachSeries(*spoken, asked, question, [&](uint32_t slot) {
      const auto group = static_cast<uint8_t>(spoken->Int(5) & (sparkplug::kMaxGroups - 1));
      const uint64_t alias = spoken->UInt(4);
      if (alias < sparkplug::kFirstSeriesAlias) return;
      const auto datatype = static_cast<DataType>(spoken->Int(2));
      question.scan.speakers[spoken->Int(3)].Set(alias, {slot, group, datatype});
    });
    if (!done) return done;
    auto stored = db_.Prepare(
        "SELECT s.id, s.labels, s.datatype FROM machine_series m JOIN series s ON s.id = m.series"
        " WHERE m.machine = ?1 AND s.metric = ?2 ORDER BY s.labels");
    if (!stored) return stored.error();
    stored->Bind(1, question.scan.machine).Bind(2, asked.metric);
    return ForEachSeries(*stored, asked, question, [](uint32_t) {});
  }

  // Gives each row's series, where it is a number and has the labels, a column.
  template <typename Found>
  static Status ForEachSeries(Statement& s, const SeriesQuestion& asked, Question& question,
                              Found&& found) {
    for (;;) {
      auto row = s.Step();
      if (!row) return row.error();
      if (!*row || question.columns.size() > kMaxSeries) return {};
      const auto datatype = static_cast<DataType>(s.Int(2));
      if (datatype == DataType::kString || datatype == DataType::kBytes) continue;
      Labels labels = DecodeLabels(s.Text(1));
      const bool has_all =
          std::all_of(asked.labels.begin(), asked.labels.end(), [&](const auto& label) {
            const auto it = labels.find(label.first);
            return it != labels.end() && it->second == label.second;
          });
      if (!has_all) continue;
      const auto [column, fresh] =
          question.by_labels.emplace(labels, static_cast<uint32_t>(question.columns.size()));
      if (fresh) {
        question.columns.push_back({asked.machine, {asked.metric, std::move(labels)}, {}, {}});
      }
      question.scan.slots[s.Int(0)] = column->second;
      found(column->second);
    }
  }

  Database db_;
};

}  // namespace

Result<std::unique_ptr<Reader>> OpenReader(const std::string& path) {
  DatabaseOptions options;
  options.read_only = true;
  auto db = Database::Open(path, options);
  if (!db) return db.error();
  return std::unique_ptr<Reader>(std::make_unique<StoreReader>(std::move(*db)));
}

}  // namespace haidang::store
