#include "collector/store/store.h"

#include <algorithm>
#include <cstdlib>

#include "collector/store/block/block.h"
#include "collector/store/for_each.h"
#include "collector/store/holes.h"
#include "collector/store/json.h"
#include "collector/store/schema.h"
#include "collector/store/statements.h"
#include "collector/store/window.h"

namespace haidang::store {
namespace {

constexpr int64_t kSameTimeMs = 2000;  // of one reading, corrected at two times
constexpr int64_t kTimeMayMove = int64_t{120} * 1000;
constexpr int64_t kSamples = 1024;  // of the journal

CommittedRow ReadCommitted(const Statement& s) {
  CommittedRow row{{s.UInt(0), s.UInt(1)}, {}};
  if (!s.IsNull(2)) row.last_crc = s.UInt(2);
  return row;
}

MetricType ParseType(std::string_view text) {
  if (text == ToString(MetricType::kCounter)) return MetricType::kCounter;
  if (text == ToString(MetricType::kHistogram)) return MetricType::kHistogram;
  return MetricType::kGauge;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options,
                                           const std::function<uint64_t()>& random64) {
  DatabaseOptions database;
  database.cache_bytes = options.cache_bytes;
  database.wal_autocheckpoint = options.wal_pages;
  database.can_shrink = true;
  auto db = Database::Open(options.path, database);
  if (!db) return db.error();
  if (auto done = Migrate(*db, Migrations()); !done) return done.error();
  std::unique_ptr<Store> store(new Store(std::move(*db), options));
  store->MakeShrinkable();
  if (auto done = store->ReadId(random64); !done) return done.error();
  if (auto done = store->PrepareAll(); !done) return done.error();
  return store;
}

Status Store::ReadId(const std::function<uint64_t()>& random64) {
  auto put = db_.Prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('store_id', ?1)");
  if (!put) return put.error();
  uint64_t fresh = random64();
  while (fresh == 0) fresh = random64();
  // Written at each start, so that a directory that cannot be written is found now, not later.
  if (auto done = put->Bind(1, fresh).Run(); !done) return done;
  if (auto done = db_.Exec("INSERT INTO meta (key, value) VALUES ('starts', 1)"
                           " ON CONFLICT (key) DO UPDATE SET value = value + 1");
      !done) {
    return done;
  }
  auto read = ForEach(db_, "SELECT value FROM meta WHERE key = 'store_id'",
                      [this](Statement& s) { id_ = s.UInt(0); });
  if (!read) return read;
  return ForEach(db_, "SELECT coalesce(sum(length(kept)), 0) FROM quarantine",
                 [this](Statement& s) { quarantine_bytes_ = s.Int(0); });
}

Result<Contents> Store::Load() {
  Contents contents;
  for (auto step :
       {&Store::LoadMachines, &Store::LoadSeries, &Store::LoadFindings, &Store::LoadSnapshot}) {
    if (auto done = (this->*step)(contents); !done) return done.error();
  }
  auto counted = ForEach(db_,
                         "SELECT coalesce((SELECT max(id) FROM journal) + 1"
                         " - (SELECT min(id) FROM journal), 0)",
                         [&](Statement& s) { contents.journal_rows = s.Int(0); });
  if (!counted) return counted.error();
  return contents;
}

Status Store::LoadMachines(Contents& contents) {
  auto machines = ForEach(
      db_, "SELECT id, name, os, agent_version, interval_ms, bd_seq, live_spool FROM machine",
      [&](Statement& s) {
        MachineRow row{s.Int(0),
                       std::string(s.Text(1)),
                       std::string(s.Text(2)),
                       std::string(s.Text(3)),
                       s.Int(4),
                       {},
                       s.Int(6)};
        if (!s.IsNull(5)) row.bd_seq = static_cast<uint8_t>(s.Int(5));
        contents.machines.push_back(std::move(row));
      });
  if (!machines) return machines;
  auto spools = ForEach(
      db_, "SELECT id, machine, spool_id, layout, touched_ms, redefined FROM spool ORDER BY id",
      [&](Statement& s) {
        contents.spools.push_back(
            {s.Int(0), s.Int(1), s.UInt(2), s.Int(3), s.Int(4), s.Int(5) != 0});
        contents.last_layout = std::max(contents.last_layout, s.Int(3));
      });
  if (!spools) return spools;
  auto committed =
      ForEach(db_, "SELECT first, last, last_crc, spool FROM committed ORDER BY spool, first",
              [&](Statement& s) {
                if (contents.committed.empty() || contents.committed.back().first != s.Int(3)) {
                  contents.committed.emplace_back(s.Int(3), std::vector<CommittedRow>{});
                }
                contents.committed.back().second.push_back(ReadCommitted(s));
              });
  if (!committed) return committed;
  auto holes =
      ForEach(db_, std::string(kSelectHole) + " WHERE closed_ms IS NULL ORDER BY spool, first",
              [&](Statement& s) { contents.open_holes.push_back(ReadHole(s)); });
  if (!holes) return holes;
  auto last_hole = ForEach(db_, "SELECT coalesce(max(id), 0) FROM hole",
                           [&](Statement& s) { contents.last_hole_id = s.Int(0); });
  if (!last_hole) return last_hole;
  auto presence = ForEach(db_, "SELECT machine, state, since_ms FROM presence", [&](Statement& s) {
    const auto state = query::ParseState(s.Text(1));
    contents.presence.push_back({s.Int(0), state.value_or(query::State::kSilent), s.Int(2)});
  });
  if (!presence) return presence;
  auto boots = ForEach(
      db_, "SELECT machine, boot_id, started_ms, measured, seen_ms FROM boot", [&](Statement& s) {
        contents.boots.push_back({s.Int(0), s.UInt(1), s.Int(2), s.Int(3) != 0, s.Int(4)});
      });
  if (!boots) return boots;
  return ForEach(db_,
                 "SELECT machine, valid_from_ms, site, class FROM machine_info"
                 " WHERE valid_to_ms IS NULL",
                 [&](Statement& s) {
                   contents.info.push_back(
                       {s.Int(0), s.Int(1), std::string(s.Text(2)), std::string(s.Text(3))});
                 });
}

Status Store::LoadSeries(Contents& contents) {
  return ForEach(
      db_, "SELECT id, metric, labels, datatype, type, unit FROM series ORDER BY id",
      [&](Statement& s) {
        contents.series.push_back(
            {s.Int(0), SeriesId{std::string(s.Text(1)), DecodeLabels(s.Text(2))},
             static_cast<DataType>(s.Int(3)), ParseType(s.Text(4)), std::string(s.Text(5))});
      });
}

Status Store::LoadFindings(Contents& contents) {
  auto last = ForEach(db_, "SELECT coalesce(max(id), 0) FROM finding",
                      [&](Statement& s) { contents.last_finding_id = s.Int(0); });
  if (!last) return last;
  return ForEach(db_,
                 "SELECT id, kind, machine, site, site_name, journey, step, opened_ms, numbers,"
                 " words FROM finding WHERE closed_ms IS NULL ORDER BY id",
                 [&](Statement& s) {
                   query::Finding finding;
                   finding.id = s.Int(0);
                   finding.kind = s.Text(1);
                   finding.machine = s.Text(2);
                   finding.site = s.Text(3);
                   finding.site_name = s.Text(4);
                   finding.journey = s.Text(5);
                   finding.step = s.Text(6);
                   finding.opened_ms = s.Int(7);
                   finding.numbers = DecodeNumbers(s.Text(8));
                   finding.words = DecodeWords(s.Text(9));
                   contents.open_findings.push_back(std::move(finding));
                 });
}

Status Store::LoadSnapshot(Contents& contents) {
  std::string json;
  auto read = ForEach(db_, "SELECT json FROM snapshot", [&](Statement& s) { json = s.Text(0); });
  if (!read || json.empty()) return read;
  auto snapshot = query::DecodeSnapshot(json);
  if (!snapshot) return Error{path() + ": table snapshot: " + snapshot.error().message};
  contents.snapshot = std::move(*snapshot);
  return {};
}

Result<std::vector<AliasRow>> Store::Aliases(int64_t layout) {
  std::vector<AliasRow> rows;
  Statement& s = *statements_->aliases;
  s.Bind(1, layout);
  for (;;) {
    auto row = s.Step();
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back({layout, s.UInt(0), s.Int(1), static_cast<uint32_t>(s.Int(2))});
  }
}

Result<std::vector<CommittedRow>> Store::Ranges(int64_t spool) {
  std::vector<CommittedRow> ranges;
  Statement& s = *statements_->ranges;
  s.Bind(1, spool);
  for (;;) {
    auto row = s.Step();
    if (!row) return row.error();
    if (!*row) return ranges;
    ranges.push_back(ReadCommitted(s));
  }
}

Result<std::vector<HoleRow>> Store::OpenHoles(int64_t spool) {
  std::vector<HoleRow> holes;
  Statement& s = *statements_->open_holes;
  s.Bind(1, spool);
  for (;;) {
    auto row = s.Step();
    if (!row) return row.error();
    if (!*row) return holes;
    holes.push_back(ReadHole(s));
  }
}

Status Store::Recent(int64_t machine, int64_t from_ms,
                     const std::function<bool(const JournalRow&)>& visit) {
  Statement& s = *statements_->recent;
  s.Bind(1, machine).Bind(2, from_ms);
  for (;;) {
    auto row = s.Step();
    if (!row) return row.error();
    if (!*row) return {};
    JournalRow batch{machine,  s.Int(0), s.UInt(1), s.Int(2), s.Int(3),
                     s.Int(4), s.Int(5), s.UInt(6), s.Blob(7)};
    if (!visit(batch)) break;
  }
  s.Reset();
  return {};
}

Status Store::OfOtherSpools(int64_t machine, int64_t spool, int64_t time_ms,
                            const std::function<void(std::string_view)>& visit) {
  Statement& s = *statements_->of_others;
  s.Bind(1, machine).Bind(2, time_ms - kSameTimeMs).Bind(3, time_ms + kSameTimeMs).Bind(4, spool);
  for (;;) {
    auto row = s.Step();
    if (!row) return row.error();
    if (!*row) return {};
    visit(s.Blob(0));
  }
}

Result<int64_t> Store::LastReceivedInBlocks(int64_t machine) {
  Statement& s = *statements_->last_block;
  auto row = s.Bind(1, machine).Step();
  if (!row) return row.error();
  if (!*row) return 0;
  const auto block = Block::Open(s.Blob(0));
  int64_t received_ms = 0;
  if (block) {
    for (const TickRow& tick : block->rows()) received_ms = std::max(received_ms, tick.received_ms);
  }
  s.Reset();
  return received_ms;
}

Result<std::vector<RemoteRow>> Store::Remotes() {
  std::vector<RemoteRow> remotes;
  auto read = ForEach(db_, "SELECT url, cursor, kept FROM remote ORDER BY url", [&](Statement& s) {
    remotes.push_back({std::string(s.Text(0)), s.Int(1), s.Int(2)});
  });
  if (!read) return read.error();
  return remotes;
}

std::optional<int64_t> Store::NewestReceivedMs() {
  std::optional<int64_t> newest_ms;
  auto read = ForEach(db_, "SELECT received_ms FROM journal ORDER BY id DESC LIMIT 1",
                      [&](Statement& s) { newest_ms = s.Int(0); });
  if (!read) return std::nullopt;
  return newest_ms;
}

Status Store::SampleJournal(const std::function<void(int64_t, int64_t, int64_t)>& visit) {
  int64_t first = 0, last = 0;
  auto ends = ForEach(db_,
                      "SELECT coalesce((SELECT min(id) FROM journal), 1),"
                      " coalesce((SELECT max(id) FROM journal), 0)",
                      [&](Statement& s) {
                        first = s.Int(0);
                        last = s.Int(1);
                      });
  if (!ends) return ends;
  auto s = db_.Prepare(
      "SELECT id, received_ms, length(payload) FROM journal WHERE id >= ?1 ORDER BY id LIMIT 1");
  if (!s) return s.error();
  const int64_t step = std::max<int64_t>(1, (last - first + 1) / kSamples);
  for (int64_t at = first; at <= last;) {
    auto row = s->Bind(1, at).Step();
    if (!row) return row.error();
    if (!*row) return {};
    const int64_t next = std::min(s->Int(0) + step, std::max(last, s->Int(0) + 1));
    visit(s->Int(0), s->Int(1), s->Int(2) * (next - s->Int(0)));
    at = next;
    s->Reset();
  }
  return {};
}

Result<bool> Store::HasInBlocks(const JournalRow& key) {
  for (int64_t window = WindowOf(key.time_ms - kTimeMayMove); window <= key.time_ms + kTimeMayMove;
       window += kWindowMs) {
    Statement& s = *statements_->blocks;
    s.Bind(1, key.machine).Bind(2, window);
    for (;;) {
      auto row = s.Step();
      if (!row) return row.error();
      if (!*row) break;
      const auto block = Block::Open(s.Blob(0));
      if (!block) continue;  // `haidang-collector check` tells
      const bool has =
          std::any_of(block->rows().begin(), block->rows().end(), [&](const TickRow& tick) {
            return tick.spool == key.spool && tick.number == key.number &&
                   std::abs(tick.time_ms - key.time_ms) <= kTimeMayMove;
          });
      if (!has) continue;
      s.Reset();
      return true;
    }
  }
  return false;
}

Result<bool> Store::IsConflict(const JournalRow& key, uint64_t crc, int64_t journal_from_ms) {
  // What is known of its boot may have moved its time since.
  Statement& near_time = *statements_->crc;
  near_time.Bind(1, key.machine).Bind(2, key.time_ms - kTimeMayMove);
  near_time.Bind(3, key.time_ms + kTimeMayMove).Bind(4, key.spool).Bind(5, key.number);
  auto found = near_time.Step();
  if (!found) return found.error();
  if (*found) {
    const uint64_t stored = near_time.UInt(0);
    near_time.Reset();
    return stored != crc;
  }
  if (key.time_ms < journal_from_ms) return false;
  // Blocks keep no CRC: there, another time tells another batch.
  const auto in_block = HasInBlocks(key);
  if (!in_block) return in_block.error();
  if (*in_block) return false;
  Statement& gap = *statements_->in_gap;
  auto closed = gap.Bind(1, key.spool).Bind(2, key.number).Step();
  if (!closed) return closed.error();
  gap.Reset();
  return !*closed;
}

}  // namespace haidang::store
