#include "collector/store/rollup/rollup_maker.h"

#include <utility>

#include "collector/store/for_each.h"
#include "collector/store/rollup/layers.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "collector/store/scan.h"
#include "core/catalogue.h"
#include "core/crc64.h"

namespace haidang::store {

// A series of a machine, and what it does in the window that is read.
struct RollupMaker::Series {
  int64_t id;
  std::optional<NumberSummer> number;
  std::optional<HistogramSummer> histogram;
};

Result<std::unique_ptr<RollupMaker>> RollupMaker::Open(const std::string& path) {
  DatabaseOptions options;
  options.read_only = true;
  auto db = Database::Open(path, options);
  if (!db) return db.error();
  return std::unique_ptr<RollupMaker>(new RollupMaker(std::move(*db)));
}

Result<std::vector<DueWindow>> RollupMaker::Due(const Window& after, size_t limit) {
  auto s = db_.Prepare(
      "SELECT machine, window_ms, mark FROM rollup_due WHERE (machine, window_ms) > (?1, ?2)"
      " ORDER BY machine, window_ms LIMIT ?3");
  if (!s) return s.error();
  s->Bind(1, after.machine).Bind(2, after.begin_ms).Bind(3, static_cast<int64_t>(limit));
  std::vector<DueWindow> due;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return due;
    due.push_back({s->Int(0), s->Int(1), s->Int(2)});
  }
}

Result<int64_t> RollupMaker::CountDue() {
  int64_t count = 0;
  auto read = ForEach(db_, "SELECT count(*) FROM rollup_due",
                      [&](const Statement& s) { count = s.Int(0); });
  if (!read) return read.error();
  return count;
}

Result<bool> RollupMaker::HasPiece(const Window& window) {
  auto s = db_.Prepare(
      "SELECT EXISTS (SELECT 1 FROM rollup WHERE machine = ?1 AND level IN (1, 2)"
      " AND begin_ms > ?2 AND begin_ms <= ?3 AND begin_ms + length_ms > ?3)");
  if (!s) return s.error();
  s->Bind(1, window.machine).Bind(2, window.begin_ms - kLongPieceMs).Bind(3, window.begin_ms);
  if (auto row = s->Step(); !row) return row.error();
  return s->Int(0) != 0;
}

Result<RollupChange> RollupMaker::MakeWindow(const DueWindow& due, int64_t whole_from_ms) {
  const Window window{due.machine, due.window_ms};
  RollupChange change;
  change.settled = due;
  if (window.begin_ms < whole_from_ms) {
    auto has = HasPiece(window);
    if (!has) return has.error();
    if (*has) return change;
  }
  auto bytes = Summarise(window);
  if (!bytes) return bytes.error();
  change.made.push_back(
      {window.machine, RollupLevel::kFiveMinutes, window.begin_ms, kWindowMs, std::move(*bytes)});
  return change;
}

Result<std::vector<RollupMaker::Series>> RollupMaker::SeriesOf(int64_t machine, int64_t from_ms) {
  auto s = db_.Prepare(
      "SELECT s.id, s.datatype, s.type FROM machine_series m JOIN series s ON s.id = m.series"
      " WHERE m.machine = ?1 ORDER BY m.series");
  if (!s) return s.error();
  s->Bind(1, machine);
  std::vector<Series> series;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return series;
    const auto datatype = static_cast<DataType>(s->Int(1));
    if (datatype == DataType::kString) continue;
    Series& one = series.emplace_back(Series{s->Int(0), {}, {}});
    if (datatype == DataType::kBytes) {
      one.histogram.emplace(from_ms);
    } else {
      one.number.emplace(from_ms, s->Text(2) == ToString(MetricType::kCounter));
    }
  }
}

// Reads blocks alone: what the journal has beside them makes the window due again when it is in a
// block, and until then readers do not ask for this one.
Result<std::string> RollupMaker::Summarise(const Window& window) {
  auto series = SeriesOf(window.machine, window.begin_ms);
  if (!series) return series.error();
  ScanQuestion question;
  question.machine = window.machine;
  question.from_ms = window.begin_ms - kBridgeMs;
  question.to_ms = window.begin_ms + kWindowMs - 1;
  for (uint32_t slot = 0; slot < series->size(); ++slot) {
    question.slots.emplace((*series)[slot].id, slot);
  }
  auto done = Scan(db_, question).Run([&](const TickRow& row, const Head& head) {
    for (uint32_t slot = 0; slot < series->size(); ++slot) {
      Series& one = (*series)[slot];
      if (one.number) {
        if (const auto value = head.Number(slot)) one.number->See(row.time_ms, *value);
      } else if (const auto bytes = head.Text(slot)) {
        one.histogram->See(row.time_ms, *bytes);
      }
    }
    return true;
  });
  if (!done) return done.error();
  PieceMaker maker({RollupLevel::kFiveMinutes, window.begin_ms, kWindowMs});
  for (Series& one : *series) {
    if (one.number) maker.Add(one.id, one.number->rollup());
    if (one.histogram) maker.Add(one.id, one.histogram->Take());
  }
  return maker.Finish();
}

Result<std::vector<Window>> RollupMaker::Find(const char* sql, int64_t before_ms, size_t limit) {
  auto s = db_.Prepare(sql);
  if (!s) return s.error();
  s->Bind(1, before_ms).Bind(2, static_cast<int64_t>(limit));
  std::vector<Window> found;
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({s->Int(0), s->Int(1)});
  }
}

Result<std::vector<Window>> RollupMaker::Days(int64_t before_ms, size_t limit) {
  static_assert(kWindowMs == 7'200'000 && kDayPieceMs == 86'400'000);
  return Find(
      "SELECT DISTINCT machine, begin_ms - begin_ms % 86400000 AS day FROM rollup AS piece"
      " WHERE level = 1 AND length_ms = 7200000 AND begin_ms < ?1 AND NOT EXISTS"
      "  (SELECT 1 FROM rollup_due AS due WHERE due.machine = piece.machine"
      "   AND window_ms >= begin_ms - begin_ms % 86400000"
      "   AND window_ms < begin_ms - begin_ms % 86400000 + 86400000)"
      " LIMIT ?2",
      before_ms, limit);
}

Result<std::vector<Window>> RollupMaker::LongStretches(int64_t before_ms, size_t limit) {
  static_assert(kLongPieceMs == 2'764'800'000);
  return Find(
      "SELECT DISTINCT machine, begin_ms - begin_ms % 2764800000 AS stretch FROM rollup AS piece"
      " WHERE level = 2 AND length_ms = 86400000 AND begin_ms < ?1 AND NOT EXISTS"
      "  (SELECT 1 FROM rollup_due AS due WHERE due.machine = piece.machine"
      "   AND window_ms >= piece.begin_ms - piece.begin_ms % 2764800000"
      "   AND window_ms < piece.begin_ms - piece.begin_ms % 2764800000 + 2764800000)"
      " AND NOT EXISTS"
      "  (SELECT 1 FROM rollup AS fine WHERE fine.machine = piece.machine AND fine.level = 1"
      "   AND fine.begin_ms >= piece.begin_ms - piece.begin_ms % 2764800000"
      "   AND fine.begin_ms < piece.begin_ms - piece.begin_ms % 2764800000 + 2764800000"
      "   AND fine.length_ms = 7200000)"
      " LIMIT ?2",
      before_ms, limit);
}

// Several pieces on their way into one.
class RollupMaker::Merging {
 public:
  Merging(Database& db, const Window& into, RollupLevel level, int64_t length_ms)
      : db_(db), into_(into), level_(level), length_ms_(length_ms), layers_(level) {}

  // Lays all that there is of its time, which is what `parts` and the piece of before hold.
  Status Load(int64_t part_ms, RollupChange& change) {
    const Stretch time{into_.begin_ms, into_.begin_ms + length_ms_};
    auto s = db_.Prepare(
        "SELECT begin_ms, length_ms, crc, bytes FROM rollup WHERE machine = ?1 AND level = ?2"
        " AND begin_ms >= ?3 AND begin_ms < ?4 AND length_ms IN (?5, ?6)");
    if (!s) return s.error();
    s->Bind(1, into_.machine).Bind(2, static_cast<int>(level_)).Bind(3, time.from_ms);
    s->Bind(4, time.to_ms).Bind(5, part_ms).Bind(6, length_ms_);
    for (;;) {
      auto row = s->Step();
      if (!row) return row.error();
      if (!*row) break;
      if (Crc64Of(s->Blob(3)) != s->UInt(2)) return Error{"roll-up: its CRC does not match"};
      if (auto done = layers_.Add(s->Int(0), s->Int(1), std::string(s->Blob(3))); !done) {
        return done;
      }
    }
    layers_.Lay({time});
    change.merged = RollupChange::Merged{into_.machine, level_, part_ms, time};
    return {};
  }

  // Calls `number(series, rollup)` or `histogram(series, rollup)` for each series.
  template <typename OfNumber, typename OfHistogram>
  Status ForEachSeries(OfNumber&& of_number, OfHistogram&& of_histogram) {
    for (const int64_t series : layers_.Series()) {
      auto number = layers_.Number(series);
      if (!number) return number.error();
      of_number(series, *number);
      auto histogram = layers_.Histogram(series);
      if (!histogram) return histogram.error();
      if (auto done = of_histogram(series, *histogram); !done) return done;
    }
    return {};
  }

 private:
  Database& db_;
  Window into_;
  RollupLevel level_;
  int64_t length_ms_;
  Layers layers_;
};

Result<RollupChange> RollupMaker::MergeDay(const Window& day) {
  RollupChange change;
  Merging merging(db_, day, RollupLevel::kFiveMinutes, kDayPieceMs);
  if (auto done = merging.Load(kWindowMs, change); !done) return done.error();
  PieceMaker fine({RollupLevel::kFiveMinutes, day.begin_ms, kDayPieceMs});
  PieceMaker hours({RollupLevel::kHour, day.begin_ms, kDayPieceMs});
  auto done = merging.ForEachSeries(
      [&](int64_t series, const NumberRollup& rollup) {
        fine.Add(series, rollup);
        hours.Add(series, ByHour(rollup));
      },
      [&](int64_t series, const HistogramRollup& rollup) -> Status {
        fine.Add(series, rollup);
        auto by_hour = ByHour(rollup);
        if (!by_hour) return by_hour.error();
        hours.Add(series, *by_hour);
        return {};
      });
  if (!done) return done.error();
  change.made.push_back(
      {day.machine, RollupLevel::kFiveMinutes, day.begin_ms, kDayPieceMs, fine.Finish()});
  change.made.push_back(
      {day.machine, RollupLevel::kHour, day.begin_ms, kDayPieceMs, hours.Finish()});
  return change;
}

Result<RollupChange> RollupMaker::MergeLong(const Window& stretch) {
  RollupChange change;
  Merging merging(db_, stretch, RollupLevel::kHour, kLongPieceMs);
  if (auto done = merging.Load(kDayPieceMs, change); !done) return done.error();
  PieceMaker hours({RollupLevel::kHour, stretch.begin_ms, kLongPieceMs});
  auto done = merging.ForEachSeries(
      [&](int64_t series, const NumberRollup& rollup) { hours.Add(series, rollup); },
      [&](int64_t series, const HistogramRollup& rollup) -> Status {
        hours.Add(series, rollup);
        return {};
      });
  if (!done) return done.error();
  change.made.push_back(
      {stretch.machine, RollupLevel::kHour, stretch.begin_ms, kLongPieceMs, hours.Finish()});
  return change;
}

}  // namespace haidang::store
