#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "collector/store/columns.h"
#include "collector/store/head.h"
#include "collector/store/holes.h"
#include "collector/store/json.h"
#include "collector/store/reader.h"
#include "core/io/database.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {
namespace {

// What was stated before the range may still hold in it: full batches come every ten minutes.
constexpr int64_t kLeadInMs = int64_t{15} * 60 * 1000;
constexpr int64_t kChunkRows = 2000;  // read in one transaction: some 20 ms

struct MachineKey {
  int64_t id = 0;
  int64_t interval_ms = 15000;
};

// How one spool of the machine speaks: the aliases that are asked for, and their values as the
// reading goes on. Slots are columns.
struct Voice {
  AliasTable aliases;
  Head head;
};

struct Question {
  MachineKey machine;
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  std::vector<query::Column> columns;
  std::map<int64_t, Voice> voices;  // by spool row
  std::map<Labels, uint32_t> by_labels;
};

class JournalReader final : public Reader {
 public:
  explicit JournalReader(Database db) : db_(std::move(db)) {}

  Result<SeriesAnswer> Series(const SeriesQuestion& asked) override {
    SeriesAnswer answer;
    auto machine = FindMachine(asked.machine);
    if (!machine) return machine.error();
    if (machine->id == 0) return answer;
    Question question;
    question.machine = *machine;
    question.from_ms = asked.from_ms;
    question.to_ms = asked.to_ms;
    if (auto done = FindSeries(asked, question); !done) return done.error();
    if (question.columns.size() > kMaxSeries) {
      answer.refused = "more than " + std::to_string(kMaxSeries) + " series; name more labels";
      return answer;
    }
    if (question.columns.empty()) return answer;
    ColumnWriter writer(std::move(question.columns), asked.step_ms, machine->interval_ms,
                        kMaxPoints);
    if (auto done = Scan(question, writer); !done) return done.error();
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

  Status FindSeries(const SeriesQuestion& asked, Question& question) {
    auto s = db_.Prepare(
        "SELECT p.id, a.alias, a.source_group, s.labels, s.datatype FROM spool p"
        " JOIN alias a ON a.layout = p.layout JOIN series s ON s.id = a.series"
        " WHERE p.machine = ?1 AND s.metric = ?2 ORDER BY s.labels");
    if (!s) return s.error();
    s->Bind(1, question.machine.id).Bind(2, asked.metric);
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) return {};
      AddAlias(*s, asked, question);
      if (question.columns.size() > kMaxSeries) return {};
    }
  }

  static void AddAlias(const Statement& s, const SeriesQuestion& asked, Question& question) {
    const auto datatype = static_cast<DataType>(s.Int(4));
    if (datatype == DataType::kString || datatype == DataType::kBytes) return;
    const uint64_t alias = s.UInt(1);
    if (alias < sparkplug::kFirstSeriesAlias) return;
    Labels labels = DecodeLabels(s.Text(3));
    for (const auto& [name, value] : asked.labels) {
      const auto it = labels.find(name);
      if (it == labels.end() || it->second != value) return;
    }
    const auto [column, fresh] =
        question.by_labels.emplace(labels, static_cast<uint32_t>(question.columns.size()));
    if (fresh) {
      question.columns.push_back({asked.machine, {asked.metric, std::move(labels)}, {}, {}});
    }
    const auto group = static_cast<uint8_t>(s.Int(2) & (sparkplug::kMaxGroups - 1));
    question.voices[s.Int(0)].aliases.Set(alias, {column->second, group, datatype});
  }

  Status Scan(Question& question, ColumnWriter& writer) {
    auto s = db_.Prepare(
        "SELECT id, time_ms, spool, payload, number FROM journal WHERE machine = ?1"
        " AND (time_ms, id) > (?2, ?3) AND time_ms <= ?4 ORDER BY time_ms, id LIMIT ?5");
    if (!s) return s.error();
    int64_t time_ms = question.from_ms - kLeadInMs, id = -1;
    for (;;) {
      s->Bind(1, question.machine.id).Bind(2, time_ms).Bind(3, id).Bind(4, question.to_ms);
      s->Bind(5, kChunkRows);
      int64_t rows = 0;
      for (;; ++rows) {
        auto row = s->Step();
        if (!row) return row.error();
        if (!*row) break;
        id = s->Int(0);
        time_ms = s->Int(1);
        Read(*s, question, writer);
      }
      if (rows < kChunkRows || writer.full()) return {};
    }
  }

  void Read(const Statement& s, Question& question, ColumnWriter& writer) {
    const auto voice = question.voices.find(s.Int(2));
    if (voice == question.voices.end()) return;
    auto message = decoder_.Decode(s.Blob(3));
    if (!message) return;
    Head& head = voice->second.head;
    for (const sparkplug::BatchView& batch : message->batches) {
      if (batch.header.number != s.UInt(4)) continue;
      head.Apply(voice->first, batch.header, batch.samples, voice->second.aliases);
      if (s.Int(1) < question.from_ms) continue;
      writer.Tick(s.Int(1), head);
    }
  }

  Database db_;
  sparkplug::BatchDecoder decoder_;
};

}  // namespace

Result<std::unique_ptr<Reader>> OpenReader(const std::string& path) {
  DatabaseOptions options;
  options.read_only = true;
  auto db = Database::Open(path, options);
  if (!db) return db.error();
  return std::unique_ptr<Reader>(std::make_unique<JournalReader>(std::move(*db)));
}

}  // namespace haidang::store
