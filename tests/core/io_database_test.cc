#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/io/blob_reader.h"
#include "core/io/database.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using haidang::testing::TempDir;

namespace {

Database OpenOrFail(const std::string& path, const DatabaseOptions& options = {}) {
  Result<Database> db = Database::Open(path, options);
  INFO((db.ok() ? "" : db.error().message));
  REQUIRE(db.ok());
  return std::move(db).value();
}

bool Mentions(const Error& error, std::string_view text) {
  INFO(error.message);
  return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("values come back as they went in") {
  Database db = OpenOrFail(":memory:");
  REQUIRE(db.Exec("CREATE TABLE t(a, b, c, d, e, f)").ok());
  Result<Statement> insert = db.Prepare("INSERT INTO t VALUES(?,?,?,?,?,?)");
  REQUIRE(insert.ok());
  const uint64_t big = std::numeric_limits<uint64_t>::max();
  const std::string blob("\0\xff\n", 3);
  insert->Bind(1, std::numeric_limits<int64_t>::min())
      .Bind(2, big)
      .Bind(3, 0.1)
      .Bind(4, "Hải Đăng");
  insert->BindBlob(5, blob).BindNull(6);
  REQUIRE(insert->Run().ok());
  CHECK(db.changes() == 1);
  CHECK(db.last_insert_rowid() == 1);
  // Reset, and its parameters with it: empty views are empty values, not NULL.
  insert->Bind(4, std::string_view()).BindBlob(5, {});
  REQUIRE(insert->Run().ok());

  Result<Statement> select = db.Prepare("SELECT * FROM t");
  REQUIRE(select.ok());
  REQUIRE(*select->Step());
  CHECK(select->Int(0) == std::numeric_limits<int64_t>::min());
  CHECK(select->UInt(1) == big);
  CHECK(select->Real(2) == 0.1);
  CHECK(select->Text(3) == "Hải Đăng");
  CHECK(select->Blob(4) == blob);
  CHECK(select->IsNull(5));
  REQUIRE(*select->Step());
  CHECK(select->IsNull(0));
  CHECK_FALSE(select->IsNull(3));
  CHECK(select->Text(3).empty());
  CHECK_FALSE(select->IsNull(4));
  CHECK_FALSE(*select->Step());
  CHECK(*select->Step());  // from the start again
}

TEST_CASE("errors name file, statement and SQLite's words") {
  TempDir dir;
  Database db = OpenOrFail(dir / "x.db");
  const Result<Statement> bad = db.Prepare("SELECT nonsense");
  REQUIRE_FALSE(bad.ok());
  CHECK(Mentions(bad.error(), "x.db"));
  CHECK(Mentions(bad.error(), "SELECT nonsense"));
  CHECK(Mentions(bad.error(), "no such column"));

  REQUIRE(db.Exec("CREATE TABLE t(a UNIQUE)").ok());
  Result<Statement> insert = db.Prepare("INSERT INTO t VALUES(1)");
  REQUIRE(insert->Run().ok());
  const Status twice = insert->Run();
  REQUIRE_FALSE(twice.ok());
  CHECK(Mentions(twice.error(), "UNIQUE"));
  CHECK(Mentions(twice.error(), "x.db"));
  Result<Statement> range = db.Prepare("SELECT ?");
  range->Bind(7, 1);
  CHECK_FALSE(range->Step().ok());
}

TEST_CASE("a database is private and in WAL mode") {
  TempDir dir;
  Database db = OpenOrFail(dir / "x.db");
  REQUIRE(db.Exec("CREATE TABLE t(a); INSERT INTO t VALUES(1)").ok());
  for (const char* name : {"x.db", "x.db-wal", "x.db-shm"}) {
    struct stat status {};
    REQUIRE(stat((dir / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a transaction is undone unless committed") {
  Database db = OpenOrFail(":memory:");
  REQUIRE(db.Exec("CREATE TABLE t(a)").ok());
  {
    Result<Transaction> transaction = Transaction::Begin(db);
    REQUIRE(transaction.ok());
    REQUIRE(db.Exec("INSERT INTO t VALUES(1)").ok());
  }
  {
    Result<Transaction> transaction = Transaction::Begin(db);
    REQUIRE(transaction.ok());
    REQUIRE(db.Exec("INSERT INTO t VALUES(2)").ok());
    CHECK_FALSE(Transaction::Begin(db).ok());  // no transaction in a transaction
    REQUIRE(transaction->Commit().ok());
  }
  Result<Statement> select = db.Prepare("SELECT count(*), max(a) FROM t");
  REQUIRE(*select->Step());
  CHECK(select->Int(0) == 1);
  CHECK(select->Int(1) == 2);
}

TEST_CASE("a full disk is told from a directory that cannot be written, and from damage") {
  TempDir dir;
  SECTION("full") {
    Database db = OpenOrFail(dir / "x.db");
    REQUIRE(db.Exec("CREATE TABLE t(a); PRAGMA max_page_count=3").ok());
    const Status full = db.Exec("INSERT INTO t VALUES(zeroblob(100000))");
    REQUIRE_FALSE(full.ok());
    CHECK(db.fault() == DatabaseFault::kFull);
    CHECK(Mentions(full.error(), "free space"));
  }
  SECTION("no directory") {
    DatabaseFault fault = DatabaseFault::kNone;
    const Result<Database> db = Database::Open(dir / "no/such/x.db", {}, &fault);
    REQUIRE_FALSE(db.ok());
    CHECK(fault == DatabaseFault::kReadOnly);
    CHECK(Mentions(db.error(), "directory cannot be written"));
  }
  SECTION("read-only file") {
    { OpenOrFail(dir / "x.db").Exec("CREATE TABLE t(a)").ok(); }
    DatabaseOptions options;
    options.read_only = true;
    Database db = OpenOrFail(dir / "x.db", options);
    const Status refused = db.Exec("INSERT INTO t VALUES(1)");
    REQUIRE_FALSE(refused.ok());
    CHECK(db.fault() == DatabaseFault::kReadOnly);
  }
  SECTION("damaged") {
    std::ofstream(dir / "x.db") << std::string(5000, 'x');
    DatabaseFault fault = DatabaseFault::kNone;
    const Result<Database> db = Database::Open(dir / "x.db", {}, &fault);
    REQUIRE_FALSE(db.ok());
    CHECK(fault == DatabaseFault::kCorrupt);
    CHECK(Mentions(db.error(), "damaged"));
  }
  SECTION("busy") {
    DatabaseOptions options;
    options.busy_timeout_ms = 1;
    Database first = OpenOrFail(dir / "x.db", options);
    REQUIRE(first.Exec("CREATE TABLE t(a); BEGIN IMMEDIATE").ok());
    Database second = OpenOrFail(dir / "x.db", options);
    CHECK_FALSE(second.Exec("INSERT INTO t VALUES(1)").ok());
    CHECK(second.fault() == DatabaseFault::kBusy);
  }
}

TEST_CASE("databases and statements move") {
  Database first = OpenOrFail(":memory:");
  Result<Statement> prepared = first.Prepare("SELECT 7");
  Database second = std::move(first);
  Statement statement = std::move(prepared).value();
  CHECK(*statement.Step());
  CHECK(statement.Int(0) == 7);
  statement = std::move(second.Prepare("SELECT 8")).value();
  CHECK(*statement.Step());
  CHECK(statement.Int(0) == 8);
}

TEST_CASE("an exclusive database keeps others out and needs no -shm file") {
  TempDir dir;
  const std::string path = dir / "x.db";
  DatabaseOptions options;
  options.exclusive = true;
  options.busy_timeout_ms = 0;
  {
    Database db = OpenOrFail(path, options);
    REQUIRE(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1)").ok());
    CHECK(std::filesystem::exists(path + "-wal"));
    CHECK_FALSE(std::filesystem::exists(path + "-shm"));
    DatabaseFault fault = DatabaseFault::kNone;
    CHECK_FALSE(Database::Open(path, options, &fault).ok());
    CHECK(fault == DatabaseFault::kBusy);
  }
  const Database again = OpenOrFail(path, options);
}

TEST_CASE("parts of blobs are read without the rest") {
  const TempDir dir;
  auto db = Database::Open(dir / "a.db", {});
  REQUIRE(db);
  REQUIRE(db->Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)"));
  std::string large;
  for (int i = 0; i < 100'000; ++i) large += static_cast<char>('a' + i % 26);
  for (const auto& [id, bytes] : {std::pair(1, large), std::pair(7, std::string("short"))}) {
    auto insert = db->Prepare("INSERT INTO t VALUES(?, ?)");
    REQUIRE(insert);
    REQUIRE(insert->Bind(1, id).BindBlob(2, bytes).Run());
  }
  BlobReader blob(*db, "t", "b");
  std::string part;
  REQUIRE(blob.Open(1));
  CHECK(blob.size() == large.size());
  REQUIRE(blob.Read(77'777, 100, part));
  CHECK(part == large.substr(77'777, 100));
  REQUIRE(blob.Open(7));
  CHECK(blob.size() == 5);
  REQUIRE(blob.Read(0, 5, part));
  CHECK(part == "short");
  const Status absent = blob.Open(3);
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().message, Catch::Contains("t.b"));
  REQUIRE(blob.Open(1));  // an Error spoils nothing
  REQUIRE(blob.Read(0, 3, part));
  CHECK(part == "abc");
  BlobReader none(*db, "t", "nothing");
  CHECK_FALSE(none.Open(1));
}

TEST_CASE("kept statements are compiled once, come back reset, and may be in use twice") {
  Database db = OpenOrFail(":memory:");
  REQUIRE(db.Exec("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)"));
  constexpr const char* kSql = "SELECT a FROM t WHERE a >= coalesce(?1, 0) ORDER BY a";
  {
    auto first = db.Keep(kSql);
    REQUIRE(first);
    (*first)->Bind(1, 2);
    REQUIRE(*(*first)->Step());
    CHECK((*first)->Int(0) == 2);
    auto second = db.Keep(kSql);  // while the first is in use
    REQUIRE(second);
    REQUIRE(*(*second)->Step());
    CHECK((*second)->Int(0) == 1);
    const auto moved = std::move(*second);
  }
  // Neither a read transaction nor a parameter is left of it.
  REQUIRE(db.Exec("DROP TABLE t; CREATE TABLE t(a); INSERT INTO t VALUES(5)"));
  auto again = db.Keep(kSql);
  REQUIRE(again);
  REQUIRE(*(*again)->Step());
  CHECK((*again)->Int(0) == 5);
  Database other = std::move(db);
  CHECK_FALSE(other.Keep("SELECT nothing").ok());
}
