#include "collector/store/store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "collector/store/reader.h"
#include "collector/store/schema.h"
#include "core/io/database.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::store;
using haidang::testing::TempDir;

namespace {

Result<std::unique_ptr<Store>> OpenStore(const TempDir& dir, uint64_t random = 77) {
  StoreOptions options;
  options.path = dir / "telemetry.db";
  return Store::Open(options, [random] { return random; });
}

int64_t Number(Database& db, const char* sql) {
  auto statement = db.Prepare(sql);
  REQUIRE(statement);
  REQUIRE(*statement->Step());
  return statement->Int(0);
}

}  // namespace

TEST_CASE("migrations go forward one after another, each once, and keep what is there") {
  const TempDir dir;
  auto db = Database::Open(dir / "x.db", {});
  REQUIRE(db);
  const Migration first[] = {{1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (5);"}};
  REQUIRE(Migrate(*db, first));
  REQUIRE(Migrate(*db, first));
  CHECK(Number(*db, "SELECT count(*) FROM a") == 1);
  const Migration both[] = {first[0],
                            {2, "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x * 2;"}};
  REQUIRE(Migrate(*db, both));
  CHECK(Number(*db, "SELECT y FROM a") == 10);
  CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'schema'") == 2);
  const auto older = Migrate(*db, first);
  REQUIRE_FALSE(older);
  CHECK(older.error().message.find("newer") != std::string::npos);
}

TEST_CASE("a migration that fails half-way leaves nothing of itself") {
  const TempDir dir;
  auto db = Database::Open(dir / "x.db", {});
  REQUIRE(db);
  const Migration broken[] = {{1, "CREATE TABLE a (x INTEGER); INSERT INTO nothing VALUES (1);"}};
  CHECK_FALSE(Migrate(*db, broken));
  CHECK(Number(*db, "SELECT count(*) FROM sqlite_master WHERE name = 'a'") == 0);
  const Migration mended[] = {{1, "CREATE TABLE a (x INTEGER);"}};
  CHECK(Migrate(*db, mended));
}

TEST_CASE("migrations of the project ascend without a hole") {
  int version = 0;
  for (const Migration& step : Migrations()) CHECK(step.version == ++version);
}

TEST_CASE("a file of the first schema goes on with its ranges") {
  const TempDir dir;
  {
    auto db = Database::Open(dir / "telemetry.db", {});
    REQUIRE(db);
    REQUIRE(Migrate(*db, Migrations().first(1)));
    REQUIRE(
        db->Exec("INSERT INTO machine VALUES (1, 'pc-1', '', '', 15000, 0, 1);"
                 "INSERT INTO spool VALUES (1, 1, 161, 1, 0, 0);"
                 "INSERT INTO committed VALUES (1, 1, 40)"));
  }
  auto store = OpenStore(dir);
  REQUIRE(store);
  auto contents = (*store)->Load();
  REQUIRE(contents);
  CHECK(contents->committed[0].second == std::vector<CommittedRow>{{{1, 40}}});
  CHECK(contents->open_holes.empty());
}

TEST_CASE("the store id is given once, never 0, and the file is private") {
  const TempDir dir;
  int calls = 0;
  StoreOptions options;
  options.path = dir / "telemetry.db";
  auto store = Store::Open(options, [&] { return static_cast<uint64_t>(calls++); });
  REQUIRE(store);
  CHECK((*store)->id() == 1);
  store->reset();
  auto again = OpenStore(dir, 99);
  REQUIRE(again);
  CHECK((*again)->id() == 1);
  struct stat status {};
  REQUIRE(stat((dir / "telemetry.db").c_str(), &status) == 0);
  CHECK((status.st_mode & 077) == 0);
}

TEST_CASE("a directory that is not there is a clear error") {
  StoreOptions options;
  options.path = "/nonexistent/haidang/telemetry.db";
  const auto store = Store::Open(options, [] { return uint64_t{1}; });
  REQUIRE_FALSE(store);
  CHECK(store.error().message.find("/nonexistent/haidang/telemetry.db") != std::string::npos);
}

TEST_CASE("what is put comes back, what is rolled back does not") {
  const TempDir dir;
  auto opened = OpenStore(dir);
  REQUIRE(opened);
  Store& store = **opened;
  REQUIRE(store.Put(MachineRow{3, "pc-3", "linux", "0.1.0", 30000, uint8_t{9}, 5}));
  REQUIRE(store.Put(SpoolRow{5, 3, 0xFFFFFFFFFFFFFFF0, 2, 1000}));
  REQUIRE(store.Put(
      SeriesRow{1, {"m", {{"a", "x\"y"}}}, DataType::kInt64, MetricType::kCounter, "bytes"}));
  REQUIRE(store.Put(AliasRow{2, 32, 1, 4}));
  REQUIRE(store.PutRange(5, {{1, 10}}));
  REQUIRE(store.PutRange(5, {{12, 13}, 0xC0FFEE}));
  HoleRow hole{7, 3, 5, {11, 11}, 900, 1100, "", 0, 0, 2000, {}};
  REQUIRE(store.Put(hole));
  hole.id = 8;
  hole.closed_ms = 2100;
  REQUIRE(store.Put(hole));
  REQUIRE(store.Put(PresenceRow{3, query::State::kVanished, 123}));
  REQUIRE(store.Put(InfoRow{3, 100, "06652", "server"}));
  REQUIRE(store.Commit());
  REQUIRE(store.PutRange(5, {{20, 20}}));
  store.Rollback();
  auto contents = store.Load();
  REQUIRE(contents);
  REQUIRE(contents->machines.size() == 1);
  CHECK(contents->machines[0].bd_seq == 9);
  CHECK(contents->machines[0].live_spool == 5);
  REQUIRE(contents->spools.size() == 1);
  CHECK(contents->spools[0].spool_id == 0xFFFFFFFFFFFFFFF0);
  CHECK(contents->committed[0].second ==
        std::vector<CommittedRow>{{{1, 10}}, {{12, 13}, 0xC0FFEE}});
  REQUIRE(contents->open_holes.size() == 1);
  CHECK(contents->open_holes[0].range == NumberRange{11, 11});
  CHECK(contents->open_holes[0].from_ms == 900);
  CHECK(contents->last_hole_id == 8);
  CHECK(contents->series[0].series.labels.at("a") == "x\"y");
  CHECK(contents->series[0].type == MetricType::kCounter);
  CHECK(contents->presence[0].state == query::State::kVanished);
  CHECK(contents->info[0].site == "06652");
  auto aliases = store.Aliases(2);
  REQUIRE(aliases);
  CHECK(aliases->at(0).group == 4);
}

TEST_CASE("a finding keeps its id, its evidence and both its times") {
  const TempDir dir;
  auto opened = OpenStore(dir);
  REQUIRE(opened);
  query::Finding finding;
  finding.id = 7;
  finding.kind = "response_slow";
  finding.machine = "pc-1";
  finding.journey = "mot-cua";
  finding.step = "tra-cuu";
  finding.opened_ms = 1000;
  finding.numbers = {{"seconds", 4.25}};
  finding.words = {{"class", "server"}};
  REQUIRE((*opened)->Put(finding));
  REQUIRE((*opened)->Commit());
  auto contents = (*opened)->Load();
  REQUIRE(contents);
  REQUIRE(contents->open_findings.size() == 1);
  CHECK(contents->open_findings[0].numbers == finding.numbers);
  CHECK(contents->open_findings[0].words == finding.words);
  CHECK(contents->last_finding_id == 7);
  finding.closed_ms = 2000;
  REQUIRE((*opened)->Put(finding));
  REQUIRE((*opened)->Commit());
  contents = (*opened)->Load();
  REQUIRE(contents);
  CHECK(contents->open_findings.empty());
  CHECK(contents->last_finding_id == 7);
}

TEST_CASE("findings go when they have been closed for long, open ones stay") {
  const TempDir dir;
  auto store = OpenStore(dir);
  REQUIRE(store);
  query::Finding finding;
  for (finding.id = 1; finding.id <= 3; ++finding.id) {
    finding.closed_ms.reset();
    if (finding.id != 2) finding.closed_ms = finding.id * 1000;
    REQUIRE((*store)->Put(finding));
  }
  Retention retention;
  retention.findings = std::chrono::seconds(10);
  REQUIRE((*store)->Expire(retention, 0, 12000, 10));
  REQUIRE((*store)->Commit());
  auto reader = OpenReader((*store)->path());
  REQUIRE(reader);
  auto left = (*reader)->Findings(0, 20000);
  REQUIRE(left);
  REQUIRE(left->size() == 2);
  CHECK((*left)[0].id == 3);
  CHECK((*left)[1].id == 2);
}

TEST_CASE("quarantine keeps one row a machine and reason, with the last bytes, bounded") {
  const TempDir dir;
  StoreOptions options;
  options.path = dir / "telemetry.db";
  options.quarantine_bytes = 20000;
  auto opened = Store::Open(options, [] { return uint64_t{1}; });
  REQUIRE(opened);
  const std::string large(100000, 'x');
  for (int i = 0; i < 5; ++i) {
    REQUIRE((*opened)->Put(QuarantineRow{1, "crc", i, 9, static_cast<uint64_t>(i), large}));
  }
  REQUIRE((*opened)->Put(QuarantineRow{2, "crc", 6, 9, 1, large}));
  REQUIRE((*opened)->Commit());
  auto db = Database::Open(options.path, {.read_only = true});
  REQUIRE(db);
  CHECK(Number(*db, "SELECT count(*) FROM quarantine") == 2);
  CHECK(Number(*db, "SELECT count FROM quarantine WHERE machine = 1") == 5);
  CHECK(Number(*db, "SELECT number FROM quarantine WHERE machine = 1") == 4);
  CHECK(Number(*db, "SELECT bytes FROM quarantine WHERE machine = 2") == 100000);
  CHECK(Number(*db, "SELECT coalesce(sum(length(kept)), 0) FROM quarantine") <= 20000);
}

TEST_CASE("a store of version 2 becomes one of today, with all that it held") {
  const TempDir dir;
  const std::string path = dir / "telemetry.db";
  {
    auto db = Database::Open(path, {});
    REQUIRE(db);
    REQUIRE(Migrate(*db, Migrations().first(2)));
    REQUIRE(
        db->Exec("INSERT INTO machine VALUES (1, 'pc-1', 'linux', '', 15000, NULL, 0);"
                 "INSERT INTO journal VALUES (7, 1, 1, 3, 1000, 2000, 0, 5, x'00', 0)"));
  }
  auto store = OpenStore(dir);
  REQUIRE(store);
  std::vector<int64_t> rows;
  REQUIRE((*store)->ForEachUncovered([&](int64_t machine, int64_t time_ms, int64_t id) {
    rows.insert(rows.end(), {machine, time_ms, id});
  }));
  CHECK(rows == std::vector<int64_t>{1, 1000, 7});
  auto db = Database::Open(path, {});
  REQUIRE(db);
  CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'schema'") == Migrations().back().version);
  CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'expired'") == 1);  // rows 1 to 6
  CHECK(Number(*db, "SELECT count(*) FROM block") == 0);
}

TEST_CASE("a store of version 3 gets cursors of remote write, and keeps them") {
  const TempDir dir;
  const std::string path = dir / "telemetry.db";
  {
    auto db = Database::Open(path, {});
    REQUIRE(db);
    REQUIRE(Migrate(*db, Migrations().first(3)));
    CHECK(Number(*db, "SELECT value FROM meta WHERE key = 'schema'") == 3);
    REQUIRE(db->Exec("INSERT INTO machine VALUES (1, 'pc-1', 'linux', '', 15000, NULL, 0)"));
  }
  {
    auto store = OpenStore(dir);
    REQUIRE(store);
    CHECK((*store)->Remotes()->empty());
    REQUIRE((*store)->Put(RemoteRow{"http://a/write", 5, 3}));
    REQUIRE((*store)->Put(RemoteRow{"http://b/write", 1, 1}));
    REQUIRE((*store)->Put(RemoteRow{"http://a/write", 7, 6}));
    REQUIRE((*store)->RemoveRemote("http://b/write"));
    REQUIRE((*store)->Commit());
  }
  auto store = OpenStore(dir);
  REQUIRE(store);
  const auto remotes = (*store)->Remotes();
  REQUIRE(remotes);
  REQUIRE(remotes->size() == 1);
  CHECK(remotes->at(0).url == "http://a/write");
  CHECK(remotes->at(0).cursor == 7);
  CHECK(remotes->at(0).kept == 6);
  auto db = Database::Open(path, {.read_only = true});
  REQUIRE(db);
  CHECK(Number(*db, "SELECT count(*) FROM machine") == 1);
}

TEST_CASE("a sample of the journal begins with its first row, and ends with its last") {
  const TempDir dir;
  auto store = OpenStore(dir);
  REQUIRE(store);
  const auto rows = GENERATE(0, 1, 2, 1000, 5000);
  for (int i = 1; i <= rows; ++i) {
    JournalRow row;
    row.machine = row.spool = 1;
    row.number = static_cast<uint64_t>(i);
    row.received_ms = i;
    row.payload = "12345678";
    REQUIRE((*store)->Append(row));
  }
  REQUIRE((*store)->Commit());
  std::vector<int64_t> ids;
  int64_t all = 0;
  REQUIRE((*store)->SampleJournal([&](int64_t id, int64_t received_ms, int64_t bytes) {
    CHECK(received_ms == id);
    ids.push_back(id);
    all += bytes;
  }));
  CHECK(all == 8 * rows);
  CHECK(ids.size() <= 2050);
  if (rows > 0) CHECK((ids.front() == 1 && ids.back() == rows));
}
