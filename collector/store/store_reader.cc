#include <utility>

#include "collector/store/holes.h"
#include "collector/store/json.h"
#include "collector/store/query/engine.h"
#include "collector/store/reader.h"
#include "core/io/database.h"

namespace haidang::store {
namespace {

class StoreReader final : public Reader {
 public:
  StoreReader(Database db, ReaderOptions options)
      : db_(std::move(db)), engine_(db_, std::move(options.rollups), options.clock) {}

  Result<SeriesAnswer> Range(const RangeQuestion& question, const QueryControl& control) override {
    return engine_.Range(question, control);
  }

  Result<SeriesAnswer> Last(const LastQuestion& question, const QueryControl& control) override {
    return engine_.Last(question, control);
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
  Database db_;
  QueryEngine engine_;
};

}  // namespace

RangeQuestion AsRange(const SeriesQuestion& question) {
  RangeQuestion range;
  range.metric = question.metric;
  range.machine = question.machine;
  for (const auto& [name, value] : question.labels) {
    range.matchers.push_back({name, Matcher::Kind::kEqual, value});
  }
  range.from_ms = question.from_ms;
  range.to_ms = question.to_ms;
  range.thin_ms = question.step_ms;
  range.places = false;
  return range;
}

Result<std::unique_ptr<Reader>> OpenReader(const std::string& path, ReaderOptions options) {
  DatabaseOptions database;
  database.read_only = true;
  auto db = Database::Open(path, database);
  if (!db) return db.error();
  return std::unique_ptr<Reader>(std::make_unique<StoreReader>(std::move(*db), std::move(options)));
}

}  // namespace haidang::store
