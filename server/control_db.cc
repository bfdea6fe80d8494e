#include "server/control_db.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace haidang::server {
namespace {

// Step i brings schema version i to i + 1. Never edited once released; only added to.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
);
INSERT INTO snapshot VALUES (1, 0);
CREATE TABLE sites (
  code TEXT NOT NULL,
  valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  parent_code TEXT NOT NULL,
  PRIMARY KEY (code, valid_from_ms)
) WITHOUT ROWID;
CREATE TABLE placements (
  machine TEXT NOT NULL,
  valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER,
  site TEXT NOT NULL,
  class TEXT NOT NULL,
  PRIMARY KEY (machine, valid_from_ms)
) WITHOUT ROWID;
CREATE TABLE objectives (
  journey TEXT NOT NULL,
  step TEXT NOT NULL,
  seconds REAL NOT NULL,
  minutes INTEGER NOT NULL,
  PRIMARY KEY (journey, step)
) WITHOUT ROWID;
)sql",
    // What a machine serves: a JSON list of names.
    "ALTER TABLE placements ADD COLUMN serves TEXT NOT NULL DEFAULT '[]'",
    // What is promised over 30 days; when offices are open: one row of JSON, none where they always
    // are.
    R"sql(
ALTER TABLE objectives ADD COLUMN share REAL;
ALTER TABLE objectives ADD COLUMN availability REAL;
CREATE TABLE calendar (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  rules TEXT NOT NULL
);
)sql",
};
static_assert(std::size(kMigrations) == ControlDb::kSchemaVersion);

// Prepares `sql`, lets `bind` set its parameters and calls `row` for each row.
template <typename Bind, typename Row>
Status Query(Database& db, std::string_view sql, Bind bind, Row row) {
  Result<Statement> statement = db.Prepare(sql);
  if (!statement) return statement.error();
  bind(*statement);
  while (true) {
    Result<bool> step = statement->Step();
    if (!step) return step.error();
    if (!*step) return {};
    row(*statement);
  }
}

constexpr auto kNoParameters = [](Statement&) {};

template <typename Rows, typename Bind>
Status InsertAll(Database& db, std::string_view sql, const Rows& rows, Bind bind) {
  Result<Statement> statement = db.Prepare(sql);
  if (!statement) return statement.error();
  for (const auto& row : rows) {
    bind(*statement, row);
    if (Status run = statement->Run(); !run) return run;
  }
  return {};
}

template <typename T>
void BindOptional(Statement& statement, int index, const std::optional<T>& value) {
  if (value) {
    statement.Bind(index, *value);
  } else {
    statement.BindNull(index);
  }
}

// Our own writing: what cannot be read is no list.
std::vector<std::string> NamesOf(std::string_view text) {
  const auto list = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> names;
  if (!list.is_array()) return names;
  for (const auto& name : list) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

std::optional<int64_t> OptionalInt(const Statement& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Int(column);
}

std::optional<double> OptionalReal(const Statement& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Real(column);
}

Status ReadObjectives(Database& db, std::vector<query::Objective>& objectives) {
  return Query(
      db,
      "SELECT journey, step, seconds, minutes, share, availability FROM objectives "
      "ORDER BY journey, step",
      kNoParameters, [&](const Statement& row) {
        objectives.push_back({std::string(row.Text(0)), std::string(row.Text(1)), row.Real(2),
                              row.Int(3), OptionalReal(row, 4), OptionalReal(row, 5)});
      });
}

Status WriteObjectives(Database& db, const std::vector<query::Objective>& objectives) {
  return InsertAll(db,
                   "INSERT INTO objectives (journey, step, seconds, minutes, share, availability) "
                   "VALUES (?, ?, ?, ?, ?, ?)",
                   objectives, [](Statement& insert, const query::Objective& objective) {
                     insert.Bind(1, std::string_view(objective.journey))
                         .Bind(2, std::string_view(objective.step))
                         .Bind(3, objective.seconds)
                         .Bind(4, objective.minutes);
                     BindOptional(insert, 5, objective.share);
                     BindOptional(insert, 6, objective.availability);
                   });
}

// Our own writing: what cannot be read is none, until the next import writes it anew.
Status ReadCalendar(Database& db, CalendarRules& calendar) {
  return Query(db, "SELECT rules FROM calendar", kNoParameters, [&](const Statement& row) {
    if (auto rules = query::DecodeCalendar(row.Text(0)); rules) calendar = std::move(*rules);
  });
}

Status WriteCalendar(Database& db, const CalendarRules& calendar) {
  if (calendar == CalendarRules{}) return {};
  const std::string rules = query::EncodeCalendar(calendar);
  return Query(
      db, "INSERT INTO calendar (id, rules) VALUES (1, ?)",
      [&](Statement& insert) { insert.Bind(1, std::string_view(rules)); }, [](const Statement&) {});
}

// Equal text for equal content, whatever the version.
std::string Content(query::Snapshot snapshot) {
  snapshot.version = 0;
  return query::EncodeSnapshot(snapshot);
}

}  // namespace

Result<ControlDb> ControlDb::Open(const std::string& path) {
  Result<Database> db = Database::Open(path, DatabaseOptions{});
  if (!db) return db.error();
  ControlDb control(std::move(*db));
  if (Status migrated = control.Migrate(); !migrated) return migrated.error();
  return control;
}

Status ControlDb::Migrate() {
  int64_t version = 0;
  if (Status read = Query(db_, "PRAGMA user_version", kNoParameters,
                          [&](const Statement& row) { version = row.Int(0); });
      !read) {
    return read;
  }
  if (version > kSchemaVersion || version < 0) {
    return Error{db_.path() + ": its schema version " + std::to_string(version) +
                 " is newer than this program's " + std::to_string(kSchemaVersion) +
                 "; start the newer program, or restore the backup made before the update"};
  }
  for (; version < kSchemaVersion; ++version) {
    Result<Transaction> transaction = Transaction::Begin(db_);
    if (!transaction) return transaction.error();
    if (Status step = db_.Exec(kMigrations[version]); !step) return step;
    const std::string mark = "PRAGMA user_version = " + std::to_string(version + 1);
    if (Status marked = db_.Exec(mark.c_str()); !marked) return marked;
    if (Status committed = transaction->Commit(); !committed) return committed;
  }
  return {};
}

Result<query::Snapshot> ControlDb::Snapshot() {
  query::Snapshot snapshot;
  Status read = Query(db_, "SELECT version FROM snapshot", kNoParameters,
                      [&](const Statement& row) { snapshot.version = row.Int(0); });
  if (read) {
    read = Query(db_,
                 "SELECT code, name, level, parent_code, valid_from_ms, valid_to_ms FROM sites "
                 "ORDER BY code, valid_from_ms",
                 kNoParameters, [&](const Statement& row) {
                   snapshot.sites.push_back({std::string(row.Text(0)), std::string(row.Text(1)),
                                             std::string(row.Text(2)), std::string(row.Text(3)),
                                             row.Int(4), OptionalInt(row, 5)});
                 });
  }
  if (read) {
    read =
        Query(db_,
              "SELECT machine, site, class, valid_from_ms, valid_to_ms, serves FROM placements "
              "ORDER BY machine, valid_from_ms",
              kNoParameters, [&](const Statement& row) {
                snapshot.placements.push_back({std::string(row.Text(0)), std::string(row.Text(1)),
                                               std::string(row.Text(2)), row.Int(3),
                                               OptionalInt(row, 4), NamesOf(row.Text(5))});
              });
  }
  if (read) read = ReadObjectives(db_, snapshot.objectives);
  if (read) read = ReadCalendar(db_, snapshot.calendar);
  if (!read) return read.error();
  return snapshot;
}

Status ControlDb::Import(const Sources& sources, int64_t now_ms) {
  Result<Transaction> transaction = Transaction::Begin(db_);
  if (!transaction) return transaction.error();
  Result<query::Snapshot> known = Snapshot();
  if (!known) return known.error();
  query::Snapshot next = *known;
  if (sources.sites != nullptr) next.sites = Merge(known->sites, *sources.sites, now_ms);
  if (sources.inventory != nullptr) {
    next.placements = Merge(known->placements, *sources.inventory, now_ms);
  }
  next.objectives = sources.objectives;
  next.calendar = sources.calendar;
  if (Status replaced = Replace(next); !replaced) return replaced;
  Result<query::Snapshot> stored = Snapshot();  // in the database's order
  if (!stored) return stored.error();
  if (known->version == 0 || Content(*stored) != Content(*known)) {
    if (Status raised = RaiseVersion(known->version + 1); !raised) return raised;
  }
  return transaction->Commit();
}

Status ControlDb::Replace(const query::Snapshot& snapshot) {
  Status done = db_.Exec(
      "DELETE FROM sites; DELETE FROM placements; DELETE FROM objectives; DELETE FROM calendar");
  if (done) {
    done = InsertAll(db_,
                     "INSERT INTO sites (code, valid_from_ms, valid_to_ms, name, level, "
                     "parent_code) VALUES (?, ?, ?, ?, ?, ?)",
                     snapshot.sites, [](Statement& insert, const query::Site& site) {
                       insert.Bind(1, std::string_view(site.code)).Bind(2, site.valid_from_ms);
                       BindOptional(insert, 3, site.valid_to_ms);
                       insert.Bind(4, std::string_view(site.name))
                           .Bind(5, std::string_view(site.level))
                           .Bind(6, std::string_view(site.parent_code));
                     });
  }
  if (done) {
    done = InsertAll(
        db_,
        "INSERT INTO placements (machine, valid_from_ms, valid_to_ms, site, class, serves) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        snapshot.placements, [](Statement& insert, const query::Placement& row) {
          insert.Bind(1, std::string_view(row.machine)).Bind(2, row.valid_from_ms);
          BindOptional(insert, 3, row.valid_to_ms);
          insert.Bind(4, std::string_view(row.site)).Bind(5, std::string_view(row.machine_class));
          insert.Bind(6, std::string_view(nlohmann::json(row.serves).dump()));
        });
  }
  if (done) done = WriteObjectives(db_, snapshot.objectives);
  if (done) done = WriteCalendar(db_, snapshot.calendar);
  return done;
}

Status ControlDb::RaiseVersion(int64_t version) {
  return Query(
      db_, "UPDATE snapshot SET version = max(version, ?)",
      [&](Statement& update) { update.Bind(1, version); }, [](const Statement&) {});
}

}  // namespace haidang::server
