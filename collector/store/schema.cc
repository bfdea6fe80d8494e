#include "collector/store/schema.h"

#include <string>

namespace haidang::store {
namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE machine (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  os TEXT NOT NULL,
  agent_version TEXT NOT NULL,
  interval_ms INTEGER NOT NULL,
  bd_seq INTEGER,
  live_spool INTEGER NOT NULL
);
CREATE TABLE spool (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL REFERENCES machine,
  spool_id INTEGER NOT NULL,
  layout INTEGER NOT NULL,
  touched_ms INTEGER NOT NULL,
  redefined INTEGER NOT NULL,
  UNIQUE (machine, spool_id)
);
CREATE TABLE committed (
  spool INTEGER NOT NULL REFERENCES spool,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (spool, first)
) WITHOUT ROWID;
CREATE TABLE gap (
  spool INTEGER NOT NULL REFERENCES spool,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  reason TEXT NOT NULL,
  closed_ms INTEGER NOT NULL,
  PRIMARY KEY (spool, first)
) WITHOUT ROWID;
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  metric TEXT NOT NULL,
  labels TEXT NOT NULL,
  datatype INTEGER NOT NULL,
  type TEXT NOT NULL,
  unit TEXT NOT NULL
);
CREATE TABLE alias (
  layout INTEGER NOT NULL,
  alias INTEGER NOT NULL,
  series INTEGER NOT NULL,
  source_group INTEGER NOT NULL,
  PRIMARY KEY (layout, alias)
) WITHOUT ROWID;
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL,
  spool INTEGER NOT NULL,
  number INTEGER NOT NULL,
  device_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  payload BLOB NOT NULL
);
CREATE INDEX journal_by_time ON journal (machine, device_ms);
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL,
  device_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX event_by_time ON event (machine, device_ms);
CREATE TABLE presence (
  machine INTEGER PRIMARY KEY REFERENCES machine,
  state TEXT NOT NULL,
  since_ms INTEGER NOT NULL
);
CREATE TABLE machine_info (
  machine INTEGER NOT NULL REFERENCES machine,
  valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER,
  site TEXT NOT NULL,
  class TEXT NOT NULL,
  PRIMARY KEY (machine, valid_from_ms)
) WITHOUT ROWID;
CREATE TABLE finding (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  machine TEXT NOT NULL,
  site TEXT NOT NULL,
  site_name TEXT NOT NULL,
  journey TEXT NOT NULL,
  step TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  numbers TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE INDEX finding_by_time ON finding (opened_ms);
CREATE INDEX finding_open ON finding (id) WHERE closed_ms IS NULL;
CREATE TABLE quarantine (
  machine INTEGER NOT NULL REFERENCES machine,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  spool_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  kept BLOB,
  PRIMARY KEY (machine, reason)
) WITHOUT ROWID;
CREATE TABLE snapshot (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,
  json TEXT NOT NULL
);
)sql";

// The gap ledger, what an acknowledgement shows a machine to know itself by, and its clock.
constexpr const char* kSecond = R"sql(
CREATE TABLE hole (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL REFERENCES machine,
  spool INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  from_ms INTEGER,
  to_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  recovered INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER
);
CREATE INDEX hole_by_machine ON hole (machine, to_ms);
CREATE INDEX hole_open ON hole (spool) WHERE closed_ms IS NULL;
ALTER TABLE committed ADD COLUMN last_crc INTEGER;
ALTER TABLE journal RENAME COLUMN device_ms TO time_ms;
ALTER TABLE journal ADD COLUMN offset_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event RENAME COLUMN device_ms TO time_ms;
CREATE TABLE boot (
  machine INTEGER NOT NULL REFERENCES machine,
  boot_id INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  measured INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (machine, boot_id)
) WITHOUT ROWID;
)sql";

// What the journal held goes into blocks.
constexpr const char* kThird = R"sql(
CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL REFERENCES machine,
  window_ms INTEGER NOT NULL,
  part INTEGER NOT NULL,
  journal_id INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX block_by_machine ON block (machine, window_ms, part);
CREATE INDEX block_by_window ON block (window_ms);
INSERT INTO meta SELECT 'expired', 1 WHERE (SELECT min(id) FROM journal) > 1
  ON CONFLICT (key) DO NOTHING;
CREATE TABLE machine_series (
  machine INTEGER NOT NULL REFERENCES machine,
  series INTEGER NOT NULL REFERENCES series,
  PRIMARY KEY (machine, series)
) WITHOUT ROWID;
)sql";

// Roll-ups, and of which windows they must be made: of all, here.
constexpr const char* kFourth = R"sql(
CREATE TABLE rollup (
  id INTEGER PRIMARY KEY,
  machine INTEGER NOT NULL REFERENCES machine,
  level INTEGER NOT NULL,
  begin_ms INTEGER NOT NULL,
  length_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX rollup_by_machine ON rollup (machine, level, begin_ms, length_ms);
CREATE INDEX rollup_by_length ON rollup (level, length_ms, begin_ms, machine);
CREATE TABLE rollup_due (
  machine INTEGER NOT NULL REFERENCES machine,
  window_ms INTEGER NOT NULL,
  mark INTEGER NOT NULL,
  PRIMARY KEY (machine, window_ms)
) WITHOUT ROWID;
INSERT INTO rollup_due SELECT DISTINCT machine, window_ms, 1 FROM block;
)sql";

// How far each receiver of remote write is.
constexpr const char* kFifth = R"sql(
CREATE TABLE remote (
  url TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL,
  kept INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

constexpr Migration kMigrations[] = {
    {1, kFirst}, {2, kSecond}, {3, kThird}, {4, kFourth}, {5, kFifth}};

Result<int> Version(Database& db) {
  auto made = db.Exec(
      "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)"
      " WITHOUT ROWID");
  if (!made) return made.error();
  auto read = db.Prepare("SELECT value FROM meta WHERE key = 'schema'");
  if (!read) return read.error();
  auto row = read->Step();
  if (!row) return row.error();
  return *row ? static_cast<int>(read->Int(0)) : 0;
}

Status Apply(Database& db, const Migration& step) {
  auto transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (auto done = db.Exec(step.sql); !done) return done;
  auto mark = db.Prepare(
      "INSERT INTO meta (key, value) VALUES ('schema', ?1)"
      " ON CONFLICT (key) DO UPDATE SET value = ?1");
  if (!mark) return mark.error();
  if (auto done = mark->Bind(1, step.version).Run(); !done) return done;
  return transaction->Commit();
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

Status Migrate(Database& db, std::span<const Migration> steps) {
  auto version = Version(db);
  if (!version) return version.error();
  if (!steps.empty() && *version > steps.back().version) {
    return Error{db.path() + ": has schema version " + std::to_string(*version) +
                 ", this program knows up to " + std::to_string(steps.back().version) +
                 "; install the newer haidang-collector"};
  }
  for (const Migration& step : steps) {
    if (step.version <= *version) continue;
    if (auto done = Apply(db, step); !done) return done;
  }
  return {};
}

}  // namespace haidang::store
