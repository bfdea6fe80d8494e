#include <catch2/catch.hpp>
#include <fstream>

#include "core/io/database.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// spool.db as version 0.1.0 made it: 130 batches of spool 77, of which 1 to 9 and 21 to 30 are
// settled and thus deleted, and 5 of spool 78, all waiting.
std::map<Key, std::string> MakeSchema1(const std::string& path) {
  auto db = Database::Open(path, {});
  REQUIRE(db.ok());
  REQUIRE(db->Exec("PRAGMA auto_vacuum=INCREMENTAL; VACUUM").ok());
  REQUIRE(db->Exec(R"sql(
CREATE TABLE batch(id INTEGER PRIMARY KEY, age_ms INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE spool(id INTEGER PRIMARY KEY, base INTEGER NOT NULL UNIQUE, next INTEGER NOT NULL,
                   reason TEXT NOT NULL DEFAULT '');
CREATE TABLE series(alias INTEGER PRIMARY KEY AUTOINCREMENT, metric TEXT NOT NULL,
                    labels BLOB NOT NULL, datatype INTEGER NOT NULL, grp INTEGER NOT NULL,
                    UNIQUE(metric, labels, datatype));
CREATE TABLE grp(bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('in_use', 0), ('bd_seq', 7), ('age_ms', 2000000);
INSERT INTO sqlite_sequence VALUES('series', 40);
INSERT INTO spool VALUES(77, 0, 131, ''), (78, 131, 6, '');
PRAGMA user_version=1;
)sql")
              .ok());
  std::map<Key, std::string> waiting;
  auto insert = db->Prepare("INSERT INTO batch VALUES(?,?,?)");
  REQUIRE(insert.ok());
  const auto add = [&](uint64_t spool_id, uint64_t number, int64_t row) {
    sparkplug::Batch batch = SomeBatch(static_cast<double>(row), row % 40 == 1);
    batch.header.spool_id = spool_id;
    batch.header.number = number;
    std::string& bytes = waiting[{spool_id, number}];
    bytes = sparkplug::EncodeBatch(batch);
    REQUIRE(insert->Bind(1, row).Bind(2, row * 15000).BindBlob(3, bytes).Run().ok());
  };
  for (int64_t i = 1; i <= 130; ++i) {
    if (i > 9 && (i <= 20 || i > 30)) add(77, static_cast<uint64_t>(i), i);
  }
  for (int64_t i = 1; i <= 5; ++i) add(78, static_cast<uint64_t>(i), 131 + i);
  return waiting;
}

}  // namespace

TEST_CASE("what an older agent left is sent, packed step by step") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto waiting = MakeSchema1(dir / "spool.db");
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1000);
  CHECK(*spool->NextBdSeq() == 8);
  CHECK(*spool->AliasOf({"node_load1", {}}, DataType::kDouble, 0) == 41);
  CHECK(spool->waiting_batches() == waiting.size());
  CHECK(Everything(*spool) == waiting);
  auto held = *spool->Held();
  REQUIRE(held.size() == 3);
  CHECK(held[0].spool_id == 77);
  CHECK(held[0].first == 10);
  CHECK(held[0].next == 131);
  CHECK(held[1].spool_id == 78);
  CHECK(held[1].next == 6);
  for (int i = 0; i < 8; ++i) {
    const StoredBatch batch = MustAppend(*spool, i);
    waiting[{batch.spool_id, batch.number}] = batch.encoded;
    CHECK(Everything(*spool) == waiting);
  }
  const auto parcels = Parcels(*spool);
  CHECK(parcels.size() == 8 + 6);  // 10–20, 31–40, 41–80, 81–120, 121–130, and those of 78
  REQUIRE(spool->Settle(Named(77, 130)).ok());
  REQUIRE(spool->Settle(Named(78, 5)).ok());
  CHECK(spool->waiting_batches() == 8);
  REQUIRE(spool->Close().ok());
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->waiting_batches() == 8);
}

TEST_CASE("a newer agent's file is left alone") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  {
    auto db = Database::Open(dir / "spool.db", {});
    REQUIRE(db.ok());
    REQUIRE(db->Exec("CREATE TABLE x(y); PRAGMA user_version=3").ok());
  }
  const auto spool = Spool::Open({dir / "spool.db"}, clock, std::ref(ids));
  REQUIRE_FALSE(spool.ok());
  CHECK_THAT(spool.error().message, Catch::Contains("newer haidang-agent (schema 3)"));
}
