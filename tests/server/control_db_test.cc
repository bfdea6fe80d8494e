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
            std::vector<query::Objective> objectives = {}) {
  ControlDb::Sources sources;
  sources.sites = &sites;
  sources.objectives = std::move(objectives);
  const Status imported = db.Import(sources, now_ms);
  if (!imported) FAIL(imported.error().message);
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
