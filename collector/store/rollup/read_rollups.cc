#include <algorithm>
#include <utility>

#include "collector/store/for_each.h"
#include "collector/store/rollup/change.h"
#include "collector/store/rollup/excerpt.h"
#include "collector/store/rollup/layers.h"
#include "collector/store/rollup/rollup.h"
#include "collector/store/rollup/summary.h"
#include "collector/store/window.h"
#include "core/io/blob_reader.h"

namespace haidang::store {
namespace {

constexpr int64_t kFarMs = int64_t{1} << 52;  // of any time that is asked for

struct Question {
  int64_t machine;
  RollupLevel level;
  Stretch time;  // whole buckets
  const WantedRollups& wanted;
};

// Of each piece what the question's series take.
Status LoadPieces(Database& db, const Question& question, Layers& layers) {
  auto s = db.Keep(
      "SELECT id, begin_ms, length_ms FROM rollup"
      " WHERE machine = ?1 AND level = ?2 AND begin_ms > ?3 AND begin_ms < ?4");
  if (!s) return s.error();
  (*s)->Bind(1, question.machine).Bind(2, static_cast<int>(question.level));
  (*s)->Bind(3, question.time.from_ms - kLongPieceMs).Bind(4, question.time.to_ms);
  BlobReader blob(db, "rollup", "bytes");
  const auto read = [&blob](size_t offset, size_t length, std::string& into) {
    return blob.Read(offset, length, into);
  };
  for (;;) {
    auto row = (*s)->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const PieceGrid grid{question.level, (*s)->Int(1), (*s)->Int(2)};
    if (grid.begin_ms + grid.length_ms <= question.time.from_ms) continue;
    if (auto opened = blob.Open((*s)->Int(0)); !opened) return opened;
    auto excerpt = ReadExcerpt(grid, blob.size(), read, question.wanted.series);
    if (!excerpt) return excerpt.error();
    auto added = layers.Add(grid.begin_ms, grid.length_ms, std::move(*excerpt));
    if (!added) return added;
  }
}

Status CutWindows(Database& db, const Question& question, const char* sql,
                  std::vector<Stretch>& asked) {
  auto s = db.Keep(sql);
  if (!s) return s.error();
  (*s)->Bind(1, question.machine).Bind(2, question.time.from_ms - kWindowMs);
  (*s)->Bind(3, question.time.to_ms);
  for (;;) {
    auto row = (*s)->Step();
    if (!row) return row.error();
    if (!*row) return {};
    Cut(asked, {(*s)->Int(0), (*s)->Int(0) + kWindowMs});
  }
}

// Windows with rows in the journal that no block has, and what may be known otherwise behind them.
Status CutUncovered(Database& db, const Question& question, std::vector<Stretch>& asked) {
  auto next = db.Keep(
      "SELECT time_ms FROM journal WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3"
      " ORDER BY time_ms LIMIT 1");
  auto uncovered = db.Keep(
      "SELECT EXISTS (SELECT 1 FROM journal WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3"
      " AND id > coalesce((SELECT max(journal_id) FROM block"
      "                    WHERE machine = ?1 AND window_ms = ?2), 0))");
  if (!next) return next.error();
  if (!uncovered) return uncovered.error();
  for (int64_t from_ms = WindowOf(question.time.from_ms) - kWindowMs;;) {
    (*next)->Bind(1, question.machine).Bind(2, from_ms).Bind(3, question.time.to_ms);
    auto row = (*next)->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const int64_t window_ms = WindowOf((*next)->Int(0));
    (*next)->Reset();
    (*uncovered)->Bind(1, question.machine).Bind(2, window_ms).Bind(3, window_ms + kWindowMs);
    row = (*uncovered)->Step();
    if (!row) return row.error();
    if ((*uncovered)->Int(0) != 0) Cut(asked, {window_ms, window_ms + 2 * kWindowMs});
    (*uncovered)->Reset();
    from_ms = window_ms + kWindowMs;
  }
}

Status Load(Database& db, const Question& question, Layers& layers, std::vector<Stretch>& asked) {
  if (auto done = LoadPieces(db, question, layers); !done) return done;
  auto done = CutWindows(db, question,
                         "SELECT window_ms FROM rollup_due"
                         " WHERE machine = ?1 AND window_ms > ?2 AND window_ms < ?3",
                         asked);
  if (!done) return done;
  if (question.level == RollupLevel::kHour) {
    static_assert(kWindowMs == 7'200'000);
    done = CutWindows(db, question,
                      "SELECT begin_ms FROM rollup WHERE machine = ?1 AND level = 1"
                      " AND begin_ms > ?2 AND begin_ms < ?3 AND length_ms = 7200000",
                      asked);
    if (!done) return done;
  }
  return CutUncovered(db, question, asked);
}

// The first bucket that begins at `time_ms` or later.
int64_t BeginFrom(int64_t time_ms, RollupLevel level) {
  const int64_t bucket_ms = BucketMs(level);
  return BeginOf(std::clamp(time_ms, -kFarMs, kFarMs) + bucket_ms - 1, bucket_ms);
}

}  // namespace

Result<RolledUp> ReadRollups(Database& db, int64_t machine, RollupLevel level, int64_t from_ms,
                             int64_t to_ms, const WantedRollups& wanted) {
  const Question question{
      machine, level, {BeginFrom(from_ms, level), BeginFrom(to_ms, level)}, wanted};
  RolledUp answer;
  if (question.time.from_ms >= question.time.to_ms) return answer;
  Layers layers(level);
  std::vector<Stretch> asked{question.time};
  if (auto begun = db.Exec("BEGIN"); !begun) return begun.error();
  const Status loaded = Load(db, question, layers, asked);
  const Status ended = db.Exec("COMMIT");
  if (!loaded) return loaded.error();
  if (!ended) return ended.error();
  layers.Lay(std::move(asked));
  answer.covered = layers.covered();
  for (const int64_t row : wanted.series) {
    auto number = layers.Number(row);
    if (!number) return number.error();
    if (!number->begins_ms.empty()) answer.numbers.emplace(row, std::move(*number));
    auto histogram = layers.Histogram(row, wanted.sums);
    if (!histogram) return histogram.error();
    if (!histogram->begins_ms.empty()) answer.histograms.emplace(row, std::move(*histogram));
  }
  return answer;
}

}  // namespace haidang::store
