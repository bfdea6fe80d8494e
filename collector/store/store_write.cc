#include "collector/store/holes.h"
#include "collector/store/json.h"
#include "collector/store/statements.h"
#include "collector/store/store.h"
#include "collector/store/window.h"
#include "core/crc64.h"

namespace haidang::store {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;
// What the collector shows as now is read back from the journal when it starts.
constexpr int64_t kKeptInJournalMs = int64_t{40} * 60 * 1000;
constexpr int64_t kBlocksAtOnce = 500;
constexpr size_t kKeptBytes = 16U << 10;  // of what is quarantined, a machine and reason

}  // namespace

Status Store::PrepareAll() {
  const std::string open_holes =
      std::string(kSelectHole) + " WHERE spool = ?1 AND closed_ms IS NULL ORDER BY first";
  const std::pair<std::optional<Statement> Statements::*, const char*> sources[] = {
      {&Statements::append,
       "INSERT INTO journal (machine, spool, number, time_ms, offset_ms, received_ms, flags, crc,"
       " payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
      {&Statements::event,
       "INSERT INTO event (machine, time_ms, received_ms, kind, key, text)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&Statements::machine, "INSERT OR REPLACE INTO machine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&Statements::spool, "INSERT OR REPLACE INTO spool VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&Statements::series, "INSERT OR REPLACE INTO series VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
      {&Statements::alias, "INSERT OR REPLACE INTO alias VALUES (?1, ?2, ?3, ?4)"},
      {&Statements::presence, "INSERT OR REPLACE INTO presence VALUES (?1, ?2, ?3)"},
      // Where the clock was set back, times go on by one millisecond each.
      {&Statements::close_info,
       "UPDATE machine_info SET valid_to_ms = max(?2, valid_from_ms + 1)"
       " WHERE machine = ?1 AND valid_to_ms IS NULL"},
      {&Statements::boot, "INSERT OR REPLACE INTO boot VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&Statements::expire_boots, "DELETE FROM boot WHERE seen_ms < ?1"},
      {&Statements::info,
       "INSERT INTO machine_info SELECT ?1, max(?2, coalesce(max(valid_to_ms), ?2)), NULL, ?3, ?4"
       " FROM machine_info WHERE machine = ?1"},
      {&Statements::gap, "INSERT OR REPLACE INTO gap VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&Statements::block,
       "INSERT INTO block (machine, window_ms, part, journal_id, ticks, crc, bytes)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (machine, window_ms, part)"
       " DO UPDATE SET journal_id = ?4, ticks = ?5, crc = ?6, bytes = ?7"},
      {&Statements::of_others,
       "SELECT payload FROM journal WHERE machine = ?1 AND time_ms BETWEEN ?2 AND ?3"
       " AND spool <> ?4"},
      {&Statements::last_block,
       "SELECT bytes FROM block WHERE machine = ?1 ORDER BY window_ms DESC, part DESC LIMIT 1"},
      {&Statements::blocks, "SELECT bytes FROM block WHERE machine = ?1 AND window_ms = ?2"},
      {&Statements::machine_series, "INSERT OR IGNORE INTO machine_series VALUES (?1, ?2)"},
      {&Statements::remote, "INSERT OR REPLACE INTO remote VALUES (?1, ?2, ?3)"},
      {&Statements::remove_remote, "DELETE FROM remote WHERE url = ?1"},
      {&Statements::quarantine,
       "INSERT INTO quarantine VALUES (?1, ?2, 1, ?3, ?3, ?4, ?5, ?6, ?7)"
       " ON CONFLICT (machine, reason) DO UPDATE SET count = count + 1, last_ms = ?3,"
       " spool_id = ?4, number = ?5, bytes = ?6, kept = coalesce(?7, kept)"},
      {&Statements::finding,
       "INSERT OR REPLACE INTO finding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      {&Statements::snapshot, "INSERT OR REPLACE INTO snapshot VALUES (1, ?1, ?2)"},
      {&Statements::range,
       "INSERT OR REPLACE INTO committed (spool, first, last, last_crc)"
       " VALUES (?1, ?2, ?3, ?4)"},
      {&Statements::hole,
       "INSERT OR REPLACE INTO hole VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
      {&Statements::remove_hole, "DELETE FROM hole WHERE id = ?1"},
      {&Statements::expire_holes,
       "DELETE FROM hole WHERE id IN"
       " (SELECT id FROM (SELECT id, closed_ms FROM hole ORDER BY id LIMIT ?2)"
       "  WHERE closed_ms < ?1)"},
      {&Statements::remove_range, "DELETE FROM committed WHERE spool = ?1 AND first = ?2"},
      {&Statements::aliases,
       "SELECT alias, series, source_group FROM alias WHERE layout = ?1 ORDER BY alias DESC"
       " LIMIT 65536"},
      {&Statements::ranges, "SELECT first, last, last_crc FROM committed WHERE spool = ?1"},
      {&Statements::recent,
       "SELECT spool, number, time_ms, offset_ms, received_ms, flags, crc, payload FROM journal"
       " WHERE machine = ?1 AND time_ms >= ?2 ORDER BY time_ms DESC, id DESC"},
      {&Statements::crc,
       "SELECT crc FROM journal WHERE machine = ?1 AND time_ms BETWEEN ?2 AND ?3 AND spool = ?4"
       " AND number = ?5"},
      {&Statements::in_gap,
       "SELECT 1 FROM gap WHERE spool = ?1 AND first <= ?2 AND last >= ?2 LIMIT 1"},
      {&Statements::expire,
       "DELETE FROM journal WHERE id IN"
       " (SELECT id FROM (SELECT id, received_ms FROM journal WHERE id < ?3"
       "   AND id < (SELECT max(id) FROM journal) ORDER BY id LIMIT ?2)"
       "  WHERE received_ms < ?1)"},
      {&Statements::expire_blocks,
       // Not what roll-ups are still to be made of.
       "DELETE FROM block WHERE id IN (SELECT id FROM"
       "  (SELECT id, machine, window_ms FROM block WHERE window_ms < ?1"
       "   ORDER BY window_ms LIMIT ?2) AS old"
       "  WHERE NOT EXISTS (SELECT 1 FROM rollup_due AS due WHERE due.machine = old.machine"
       "   AND due.window_ms IN (old.window_ms, old.window_ms + ?3)))"},
      {&Statements::note_expired,
       "INSERT INTO meta (key, value) VALUES ('expired', ?1)"
       " ON CONFLICT (key) DO UPDATE SET value = value + ?1"},
      {&Statements::note_covered,
       "INSERT INTO meta (key, value) VALUES ('covered', ?1)"
       " ON CONFLICT (key) DO UPDATE SET value = ?1"},
      {&Statements::expire_events,
       "DELETE FROM event WHERE id IN"
       " (SELECT id FROM (SELECT id, received_ms FROM event ORDER BY id LIMIT ?2)"
       "  WHERE received_ms < ?1)"},
      {&Statements::expire_findings,
       "DELETE FROM finding WHERE id IN"
       " (SELECT id FROM (SELECT id, closed_ms FROM finding ORDER BY id LIMIT ?2)"
       "  WHERE closed_ms < ?1)"},
      // Received in the future: the clock was wrong then. Left so, they would stand before what is
      // old.
      {&Statements::age_journal,
       "UPDATE journal SET received_ms = ?1 WHERE id IN"
       " (SELECT id FROM (SELECT id, received_ms FROM journal ORDER BY id LIMIT ?3)"
       "  WHERE received_ms > ?2)"},
      {&Statements::age_events,
       "UPDATE event SET received_ms = ?1 WHERE id IN"
       " (SELECT id FROM (SELECT id, received_ms FROM event ORDER BY id LIMIT ?3)"
       "  WHERE received_ms > ?2)"},
      {&Statements::forget_spool, "DELETE FROM spool WHERE id = ?1"},
      {&Statements::forget_ranges, "DELETE FROM committed WHERE spool = ?1"},
      {&Statements::forget_gaps, "DELETE FROM gap WHERE spool = ?1"},
      {&Statements::forget_layout, "DELETE FROM alias WHERE layout = ?1"},
      {&Statements::open_holes, open_holes.c_str()},
      {&Statements::free_pages,
       "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count"},
      {&Statements::shrink, "PRAGMA incremental_vacuum(1000000)"},
  };
  statements_ = std::make_shared<Statements>();
  for (const auto& [member, sql] : sources) {
    if (auto done = Prepare(member, sql); !done) return done;
  }
  return PrepareRollups();
}

Status Store::Prepare(std::optional<Statement> Statements::*member, const char* sql) {
  auto statement = db_.Prepare(sql);
  if (!statement) return statement.error();
  ((*statements_).*member).emplace(std::move(*statement));
  return {};
}

Status Store::Begin() {
  if (transaction_) return {};
  auto transaction = Transaction::Begin(db_);
  if (!transaction) return transaction.error();
  transaction_.emplace(std::move(*transaction));
  return {};
}

Status Store::Run(Statement& statement) {
  if (auto begun = Begin(); !begun) {
    statement.Reset();
    return begun;
  }
  auto done = statement.Run();
  if (!done) Rollback();
  return done;
}

Status Store::Commit() {
  if (!transaction_) return {};
  auto done = transaction_->Commit();
  transaction_.reset();  // rolls back where Commit failed
  return done;
}

void Store::Rollback() { transaction_.reset(); }

Result<int64_t> Store::Append(const JournalRow& row) {
  Statement& s = *statements_->append;
  s.Bind(1, row.machine).Bind(2, row.spool).Bind(3, row.number).Bind(4, row.time_ms);
  s.Bind(5, row.offset_ms).Bind(6, row.received_ms).Bind(7, row.flags).Bind(8, row.crc);
  s.BindBlob(9, row.payload);
  if (auto done = Run(s); !done) return done.error();
  return db_.last_insert_rowid();
}

Status Store::AppendEvent(const JournalRow& batch, const Event& event) {
  Statement& s = *statements_->event;
  s.Bind(1, batch.machine).Bind(2, event.time_ms - batch.offset_ms).Bind(3, batch.received_ms);
  s.Bind(4, event.kind).Bind(5, event.key).Bind(6, event.text);
  return Run(s);
}

Status Store::Put(const MachineRow& row) {
  Statement& s = *statements_->machine;
  s.Bind(1, row.id).Bind(2, row.name).Bind(3, row.os).Bind(4, row.agent_version);
  s.Bind(5, row.interval_ms);
  if (row.bd_seq) s.Bind(6, static_cast<int>(*row.bd_seq));
  s.Bind(7, row.live_spool);
  return Run(s);
}

Status Store::Put(const SpoolRow& row) {
  Statement& s = *statements_->spool;
  s.Bind(1, row.id).Bind(2, row.machine).Bind(3, row.spool_id).Bind(4, row.layout);
  return Run(s.Bind(5, row.touched_ms).Bind(6, row.redefined ? 1 : 0));
}

Status Store::Put(const SeriesRow& row) {
  Statement& s = *statements_->series;
  s.Bind(1, row.id).Bind(2, row.series.metric).Bind(3, EncodeLabels(row.series.labels));
  s.Bind(4, static_cast<int>(row.datatype)).Bind(5, ToString(row.type)).Bind(6, row.unit);
  return Run(s);
}

Status Store::Put(const AliasRow& row) {
  Statement& s = *statements_->alias;
  s.Bind(1, row.layout).Bind(2, row.alias).Bind(3, row.series);
  return Run(s.Bind(4, static_cast<int64_t>(row.group)));
}

Status Store::Put(const BootRow& row) {
  Statement& s = *statements_->boot;
  s.Bind(1, row.machine).Bind(2, row.boot_id).Bind(3, row.started_ms);
  return Run(s.Bind(4, row.measured ? 1 : 0).Bind(5, row.seen_ms));
}

Status Store::Put(const PresenceRow& row) {
  Statement& s = *statements_->presence;
  return Run(s.Bind(1, row.machine).Bind(2, query::ToString(row.state)).Bind(3, row.since_ms));
}

Status Store::Put(const InfoRow& row) {
  Statement& close = *statements_->close_info;
  if (auto done = Run(close.Bind(1, row.machine).Bind(2, row.valid_from_ms)); !done) return done;
  Statement& s = *statements_->info;
  s.Bind(1, row.machine).Bind(2, row.valid_from_ms).Bind(3, row.site).Bind(4, row.machine_class);
  return Run(s);
}

Status Store::Put(const GapRow& row) {
  Statement& s = *statements_->gap;
  s.Bind(1, row.spool).Bind(2, row.range.first).Bind(3, row.range.last).Bind(4, row.reason);
  return Run(s.Bind(5, row.closed_ms));
}

Status Store::Put(const BlockRow& row) {
  Statement& s = *statements_->block;
  s.Bind(1, row.machine).Bind(2, row.window_ms).Bind(3, row.part).Bind(4, row.journal_id);
  s.Bind(5, row.ticks).Bind(6, Crc64Of(row.bytes)).BindBlob(7, row.bytes);
  if (auto done = Run(s); !done) return done;
  Statement& has = *statements_->machine_series;
  for (const int64_t series : row.series) {
    if (auto done = Run(has.Bind(1, row.machine).Bind(2, series)); !done) return done;
  }
  // What is known at its end is known on in the next window.
  if (auto done = MarkDue(row.machine, row.window_ms); !done) return done;
  return MarkDue(row.machine, row.window_ms + kWindowMs);
}

Status Store::Put(const QuarantineRow& row) {
  const std::string_view kept = row.payload.substr(0, kKeptBytes);
  const auto bytes = static_cast<int64_t>(kept.size());
  Statement& s = *statements_->quarantine;
  s.Bind(1, row.machine).Bind(2, row.reason).Bind(3, row.at_ms).Bind(4, row.spool_id);
  s.Bind(5, row.number).Bind(6, static_cast<int64_t>(row.payload.size()));
  // Counted as if nothing was replaced: the bound is then met early, never late.
  if (quarantine_bytes_ + bytes <= options_.quarantine_bytes) {
    s.BindBlob(7, kept);
    quarantine_bytes_ += bytes;
  }
  return Run(s);
}

Status Store::Put(const RemoteRow& row) {
  return Run(statements_->remote->Bind(1, row.url).Bind(2, row.cursor).Bind(3, row.kept));
}

Status Store::RemoveRemote(const std::string& url) {
  return Run(statements_->remove_remote->Bind(1, url));
}

Status Store::Put(const query::Finding& finding) {
  Statement& s = *statements_->finding;
  s.Bind(1, finding.id).Bind(2, finding.kind).Bind(3, finding.machine).Bind(4, finding.site);
  s.Bind(5, finding.site_name).Bind(6, finding.journey).Bind(7, finding.step);
  s.Bind(8, finding.opened_ms);
  if (finding.closed_ms) s.Bind(9, *finding.closed_ms);
  s.Bind(10, EncodeNumbers(finding.numbers)).Bind(11, EncodeWords(finding.words));
  return Run(s);
}

Status Store::Put(const query::Snapshot& snapshot) {
  Statement& s = *statements_->snapshot;
  return Run(s.Bind(1, snapshot.version).Bind(2, query::EncodeSnapshot(snapshot)));
}

Status Store::PutRange(int64_t spool, const CommittedRow& row) {
  Statement& s = *statements_->range;
  s.Bind(1, spool).Bind(2, row.range.first).Bind(3, row.range.last);
  if (row.last_crc) s.Bind(4, *row.last_crc);
  return Run(s);
}

Status Store::Put(const HoleRow& row) {
  Statement& s = *statements_->hole;
  s.Bind(1, row.id).Bind(2, row.machine).Bind(3, row.spool).Bind(4, row.range.first);
  s.Bind(5, row.range.last);
  if (row.from_ms) s.Bind(6, *row.from_ms);
  s.Bind(7, row.to_ms).Bind(8, row.reason).Bind(9, row.recovered).Bind(10, row.lost);
  s.Bind(11, row.opened_ms);
  if (row.closed_ms) s.Bind(12, *row.closed_ms);
  return Run(s);
}

Status Store::RemoveHole(int64_t id) { return Run(statements_->remove_hole->Bind(1, id)); }

Status Store::RemoveRange(int64_t spool, uint64_t first) {
  Statement& s = *statements_->remove_range;
  return Run(s.Bind(1, spool).Bind(2, first));
}

Status Store::ForgetSpool(int64_t spool) {
  for (Statement* s :
       {&*statements_->forget_spool, &*statements_->forget_ranges, &*statements_->forget_gaps}) {
    if (auto done = Run(s->Bind(1, spool)); !done) return done;
  }
  return {};
}

Status Store::ForgetLayout(int64_t layout) {
  return Run(statements_->forget_layout->Bind(1, layout));
}

Result<int64_t> Store::Expire(const Retention& retention, int64_t needed, int64_t now_ms,
                              int64_t limit) {
  for (Statement* age : {&*statements_->age_journal, &*statements_->age_events}) {
    age->Bind(1, now_ms).Bind(2, now_ms + kDayMs).Bind(3, limit);
    if (auto done = Run(*age); !done) return done.error();
  }
  for (Statement* expire : {&*statements_->expire_findings, &*statements_->expire_holes}) {
    expire->Bind(1, now_ms - retention.findings.count()).Bind(2, limit);
    if (auto done = Run(*expire); !done) return done.error();
  }
  const int64_t old_ms = now_ms - retention.raw.count();
  for (Statement* expire : {&*statements_->expire_boots, &*statements_->expire_events}) {
    expire->Bind(1, old_ms);
    if (expire != &*statements_->expire_boots) expire->Bind(2, limit);
    if (auto done = Run(*expire); !done) return done.error();
  }
  Statement& journal = *statements_->expire;
  if (auto done = Run(journal.Bind(1, now_ms - kKeptInJournalMs).Bind(2, limit).Bind(3, needed));
      !done) {
    return done.error();
  }
  const int64_t moved = db_.changes();
  // What no block could be made of goes when it is as old as a block.
  if (auto done = Run(journal.Bind(1, old_ms).Bind(2, limit).Bind(3, INT64_MAX)); !done) {
    return done.error();
  }
  int64_t lost = db_.changes();
  Statement& blocks = *statements_->expire_blocks;
  if (auto done = Run(blocks.Bind(1, old_ms - kWindowMs).Bind(2, kBlocksAtOnce).Bind(3, kWindowMs));
      !done) {
    return done.error();
  }
  const int64_t deleted = moved + lost;
  lost += db_.changes();
  if (lost > 0) {
    if (auto done = Run(statements_->note_expired->Bind(1, lost)); !done) return done.error();
  }
  if (auto done = ExpireRollups(retention, now_ms); !done) return done.error();
  return deleted;
}

}  // namespace haidang::store
