#include "server/control_db.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::server;

namespace {

PlaceFile<query::Site> Sites(const std::string& rows) {
  return ParseSites("code,name,level,parent_code\n" + rows).value();
}

void Import(ControlDb& db, const PlaceFile<query::Site>& sites, int64_t now_ms,
            std::vector<query::Objective> objectives = {}, CalendarRules calendar = {}) {
  ControlDb::Sources sources;
  sources.sites = &sites;
  sources.objectives = std::move(objectives);
  sources.calendar = std::move(calendar);
  const Status imported = db.Import(sources, now_ms);
  if (!imported) FAIL(imported.error().message);
}

CalendarRules OfficeHours() {
  CalendarRules rules;
  rules.week = {{{450, 690}, {780, 1020}}, {}, {{450, 690}}, {}, {}, {}, {}};
  rules.days = {{"2026-04-26", true}, {"2026-04-27", false}};
  return rules;
}

void Run(Database& raw, const char* sql) {
  const Status ran = raw.Exec(sql);
  if (!ran) FAIL(ran.error().message);
}

// control.db as the first release made it.
void MakeFirstSchema(Database& raw) {
  Run(raw, R"sql(
CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
INSERT INTO snapshot VALUES (1, 7);
CREATE TABLE sites (code TEXT NOT NULL, valid_from_ms INTEGER NOT NULL, valid_to_ms INTEGER,
  name TEXT NOT NULL, level TEXT NOT NULL, parent_code TEXT NOT NULL,
  PRIMARY KEY (code, valid_from_ms)) WITHOUT ROWID;
CREATE TABLE placements (machine TEXT NOT NULL, valid_from_ms INTEGER NOT NULL,
  valid_to_ms INTEGER, site TEXT NOT NULL, class TEXT NOT NULL,
  PRIMARY KEY (machine, valid_from_ms)) WITHOUT ROWID;
CREATE TABLE objectives (journey TEXT NOT NULL, step TEXT NOT NULL, seconds REAL NOT NULL,
  minutes INTEGER NOT NULL, PRIMARY KEY (journey, step)) WITHOUT ROWID;
INSERT INTO sites VALUES ('22', 0, NULL, 'Tỉnh Quảng Ninh', 'province', '');
INSERT INTO placements VALUES ('m', 5, 9, '22', 'server');
INSERT INTO objectives VALUES ('mot-cua', 'tra-cuu', 2.5, 6);
PRAGMA user_version = 1;
)sql");
}

}  // namespace

TEST_CASE("the version goes up when the content changed, and only then") {
  const testing::TempDir directory;
  auto db = ControlDb::Open(directory / "control.db");
  REQUIRE(db.ok());
  CHECK(db->Snapshot()->version == 0);
  Import(*db, Sites("22,Tỉnh,p,\n1,Xã A,c,22\n"), 10);
  CHECK(db->Snapshot()->version == 1);
  Import(*db, Sites("1,Xã A,c,22\n22,Tỉnh,p,\n"), 20);
  CHECK(db->Snapshot()->version == 1);
  Import(*db, Sites("22,Tỉnh,p,\n1,Xã A,c,22\n"), 30, {{"mot-cua", "", 3, 5}});
  CHECK(db->Snapshot()->version == 2);
  CHECK(db->Snapshot()->objectives.size() == 1);
  Import(*db, Sites("22,Tỉnh,p,\n1,Xã B,c,22\n"), 40, {{"mot-cua", "", 3, 5}});
  CHECK(db->Snapshot()->version == 3);
  CHECK(db->Snapshot()->sites.size() == 3);
}

TEST_CASE("what was imported is there after a restart, without the files too") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  const auto inventory =
      ParseInventory("machine,site,class,serves,valid_from\nm,22,server,mot-cua;vneid,2025-07-01\n")
          .value();
  {
    auto db = ControlDb::Open(path);
    REQUIRE(db.ok());
    ControlDb::Sources sources;
    const auto sites = Sites("22,Tỉnh Quảng Ninh,province,\n");
    sources.sites = &sites;
    sources.inventory = &inventory;
    REQUIRE(db->Import(sources, 5).ok());
  }
  auto db = ControlDb::Open(path);
  REQUIRE(db.ok());
  REQUIRE(db->Import({}, 6).ok());
  const auto snapshot = db->Snapshot();
  REQUIRE(snapshot.ok());
  CHECK(snapshot->version == 1);
  REQUIRE(snapshot->sites.size() == 1);
  CHECK(snapshot->sites[0].name == "Tỉnh Quảng Ninh");
  REQUIRE(snapshot->placements.size() == 1);
  CHECK(snapshot->placements[0].valid_from_ms == 1751302800000);
  CHECK(snapshot->placements[0].serves == std::vector<std::string>{"mot-cua", "vneid"});
  CHECK_FALSE(snapshot->placements[0].valid_to_ms);
}

TEST_CASE("promises and the calendar are kept, and follow the configuration") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  const auto sites = Sites("22,Tỉnh,p,\n");
  const std::vector<query::Objective> promised{{"mot-cua", "", 3, 5, 0.95, std::nullopt},
                                               {"mot-cua", "tra-cuu", 1, 5, std::nullopt, 0.995}};
  {
    auto db = ControlDb::Open(path);
    REQUIRE(db.ok());
    Import(*db, sites, 1, promised, OfficeHours());
    CHECK(db->Snapshot()->version == 1);
  }
  auto db = ControlDb::Open(path);
  REQUIRE(db.ok());
  const auto kept = db->Snapshot();
  REQUIRE(kept.ok());
  CHECK(kept->calendar == OfficeHours());
  REQUIRE(kept->objectives.size() == 2);
  CHECK(kept->objectives[0].share == 0.95);
  CHECK_FALSE(kept->objectives[0].availability);
  CHECK_FALSE(kept->objectives[1].share);
  CHECK(kept->objectives[1].availability == 0.995);

  Import(*db, sites, 2, promised, OfficeHours());
  CHECK(db->Snapshot()->version == 1);
  auto stricter = promised;
  stricter[0].share = 0.96;
  Import(*db, sites, 3, stricter, OfficeHours());
  CHECK(db->Snapshot()->version == 2);
  stricter[1].availability.reset();
  Import(*db, sites, 4, stricter, OfficeHours());
  CHECK(db->Snapshot()->version == 3);
  CalendarRules longer = OfficeHours();
  longer.week[6] = {{0, 1440}};
  Import(*db, sites, 5, stricter, longer);
  CHECK(db->Snapshot()->version == 4);
  longer.days.pop_back();
  Import(*db, sites, 6, stricter, longer);
  CHECK(db->Snapshot()->version == 5);
  CHECK(db->Snapshot()->calendar == longer);
  Import(*db, sites, 7, stricter);
  CHECK(db->Snapshot()->version == 6);
  CHECK(db->Snapshot()->calendar == CalendarRules{});
}

TEST_CASE("a calendar that cannot be read is none until the configuration is read again") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  const auto sites = Sites("22,Tỉnh,p,\n");
  {
    auto db = ControlDb::Open(path);
    REQUIRE(db.ok());
    Import(*db, sites, 1, {}, OfficeHours());
  }
  {
    auto raw = Database::Open(path, {});
    REQUIRE(raw.ok());
    Run(*raw, R"(UPDATE calendar SET rules = '{"week":[1]}')");
  }
  auto db = ControlDb::Open(path);
  REQUIRE(db.ok());
  CHECK(db->Snapshot()->calendar == CalendarRules{});
  Import(*db, sites, 2, {}, OfficeHours());
  CHECK(db->Snapshot()->calendar == OfficeHours());
  CHECK(db->Snapshot()->version == 2);
}

TEST_CASE("a file of an older schema keeps its contents when it is brought forward") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  const int schema = GENERATE(1, 2);
  {
    auto raw = Database::Open(path, {});
    REQUIRE(raw.ok());
    MakeFirstSchema(*raw);
    if (schema == 2) {
      Run(*raw, "ALTER TABLE placements ADD COLUMN serves TEXT NOT NULL DEFAULT '[]'");
      Run(*raw, R"(UPDATE placements SET serves = '["mot-cua"]')");
      Run(*raw, "PRAGMA user_version = 2");
    }
  }
  auto db = ControlDb::Open(path);
  if (!db) FAIL(db.error().message);
  const auto snapshot = db->Snapshot();
  REQUIRE(snapshot.ok());
  CHECK(snapshot->version == 7);
  REQUIRE(snapshot->sites.size() == 1);
  CHECK(snapshot->sites[0].name == "Tỉnh Quảng Ninh");
  REQUIRE(snapshot->placements.size() == 1);
  CHECK(snapshot->placements[0].machine == "m");
  CHECK(snapshot->placements[0].valid_to_ms == 9);
  CHECK(snapshot->placements[0].serves.size() == (schema == 2 ? 1 : 0));
  REQUIRE(snapshot->objectives.size() == 1);
  CHECK(snapshot->objectives[0].step == "tra-cuu");
  CHECK(snapshot->objectives[0].seconds == 2.5);
  CHECK(snapshot->objectives[0].minutes == 6);
  CHECK_FALSE(snapshot->objectives[0].share);
  CHECK_FALSE(snapshot->objectives[0].availability);
  CHECK(snapshot->calendar == CalendarRules{});

  // The same configuration as before the update says nothing new; a promise does.
  ControlDb::Sources sources;
  sources.objectives = {{"mot-cua", "tra-cuu", 2.5, 6}};
  REQUIRE(db->Import(sources, 10).ok());
  CHECK(db->Snapshot()->version == 7);
  sources.objectives[0].share = 0.9;
  sources.calendar = OfficeHours();
  REQUIRE(db->Import(sources, 11).ok());
  CHECK(db->Snapshot()->version == 8);
  CHECK(db->Snapshot()->calendar == OfficeHours());
}

TEST_CASE("the version can be raised, never lowered") {
  auto db = ControlDb::Open(":memory:");
  REQUIRE(db.ok());
  REQUIRE(db->RaiseVersion(7).ok());
  REQUIRE(db->RaiseVersion(3).ok());
  CHECK(db->Snapshot()->version == 7);
}

TEST_CASE("a schema of a newer program is refused and left alone") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  {
    auto raw = Database::Open(path, {});
    REQUIRE(raw->Exec("PRAGMA user_version = 99").ok());
  }
  auto db = ControlDb::Open(path);
  REQUIRE_FALSE(db.ok());
  CHECK(db.error().message.find("newer") != std::string::npos);
  auto raw = Database::Open(path, {});
  auto statement = raw->Prepare("PRAGMA user_version");
  REQUIRE(*statement->Step());
  CHECK(statement->Int(0) == 99);
}

TEST_CASE("a migration that was cut short is made whole by the next start") {
  const testing::TempDir directory;
  const std::string path = directory / "control.db";
  { REQUIRE(Database::Open(path, {}).ok()); }  // made, but no schema yet
  auto db = ControlDb::Open(path);
  REQUIRE(db.ok());
  CHECK(db->Snapshot().ok());
}

TEST_CASE("a file that is no database, and a directory that is missing, are told by name") {
  const testing::TempDir directory;
  auto missing = ControlDb::Open(directory / "none/control.db");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("none/control.db") != std::string::npos);
}
