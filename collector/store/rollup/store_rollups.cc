#include "collector/store/statements.h"
#include "collector/store/store.h"
#include "collector/store/window.h"
#include "core/crc64.h"

// What the store writes of roll-ups.
namespace haidang::store {
namespace {

// A long piece is some hundred pages.
constexpr int64_t kPiecesAtOnce = 50;

}  // namespace

Status Store::PrepareRollups() {
  const std::pair<std::optional<Statement> Statements::*, const char*> sources[] = {
      {&Statements::rollup,
       "INSERT INTO rollup (machine, level, begin_ms, length_ms, crc, bytes)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (machine, level, begin_ms, length_ms)"
       " DO UPDATE SET crc = ?5, bytes = ?6"},
      {&Statements::rollup_merged,
       "DELETE FROM rollup WHERE machine = ?1 AND level = ?2 AND begin_ms >= ?3 AND begin_ms < ?4"
       " AND length_ms = ?5"},
      {&Statements::rollup_due,
       "INSERT INTO rollup_due SELECT ?1, ?2, 1 WHERE EXISTS"
       " (SELECT 1 FROM block WHERE machine = ?1 AND window_ms = ?2)"
       " ON CONFLICT (machine, window_ms) DO UPDATE SET mark = mark + 1"},
      {&Statements::rollup_settled,
       "DELETE FROM rollup_due WHERE machine = ?1 AND window_ms = ?2 AND mark = ?3"},
      // Not a day that is about to be merged with windows of it.
      {&Statements::expire_rollups,
       "DELETE FROM rollup WHERE id IN (SELECT id FROM rollup AS old"
       "  WHERE level = ?1 AND length_ms = ?2 AND begin_ms < ?3 AND (level <> 1 OR"
       "   (NOT EXISTS (SELECT 1 FROM rollup AS part WHERE part.machine = old.machine"
       "     AND part.level = 1 AND part.begin_ms >= old.begin_ms"
       "     AND part.begin_ms < old.begin_ms + ?2 AND part.length_ms < ?2)"
       "    AND NOT EXISTS (SELECT 1 FROM rollup_due AS due WHERE due.machine = old.machine"
       "     AND window_ms >= old.begin_ms AND window_ms < old.begin_ms + ?2)))"
       "  ORDER BY begin_ms LIMIT ?4)"},
  };
  for (const auto& [member, sql] : sources) {
    if (auto done = Prepare(member, sql); !done) return done;
  }
  return {};
}

Status Store::MarkDue(int64_t machine, int64_t window_ms) {
  return Run(statements_->rollup_due->Bind(1, machine).Bind(2, window_ms));
}

Status Store::Put(const RollupChange& change) {
  if (change.merged) {
    const RollupChange::Merged& merged = *change.merged;
    Statement& s = *statements_->rollup_merged;
    s.Bind(1, merged.machine).Bind(2, static_cast<int>(merged.level));
    s.Bind(3, merged.begins.from_ms).Bind(4, merged.begins.to_ms).Bind(5, merged.length_ms);
    if (auto done = Run(s); !done) return done;
  }
  for (const RollupRow& row : change.made) {
    Statement& s = *statements_->rollup;
    s.Bind(1, row.machine).Bind(2, static_cast<int>(row.level)).Bind(3, row.begin_ms);
    s.Bind(4, row.length_ms).Bind(5, Crc64Of(row.bytes)).BindBlob(6, row.bytes);
    if (auto done = Run(s); !done) return done;
  }
  if (!change.settled) return {};
  Statement& s = *statements_->rollup_settled;
  s.Bind(1, change.settled->machine).Bind(2, change.settled->window_ms);
  return Run(s.Bind(3, change.settled->mark));
}

// Pieces of windows stay until their day is merged: it and its hours are made of them.
Status Store::ExpireRollups(const Retention& retention, int64_t now_ms) {
  struct Kind {
    RollupLevel level;
    int64_t length_ms;
    std::chrono::milliseconds keep;
  };
  const Kind kinds[] = {{RollupLevel::kFiveMinutes, kDayPieceMs, retention.five_minutes},
                        {RollupLevel::kHour, kDayPieceMs, retention.hour},
                        {RollupLevel::kHour, kLongPieceMs, retention.hour}};
  for (const Kind& kind : kinds) {
    Statement& s = *statements_->expire_rollups;
    s.Bind(1, static_cast<int>(kind.level)).Bind(2, kind.length_ms);
    s.Bind(3, now_ms - kind.keep.count() - kind.length_ms).Bind(4, kPiecesAtOnce);
    if (auto done = Run(s); !done) return done;
  }
  return {};
}

}  // namespace haidang::store
