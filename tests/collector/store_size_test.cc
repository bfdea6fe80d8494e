#include <catch2/catch.hpp>
#include <filesystem>

#include "collector/store/for_each.h"
#include "collector/store/schema.h"
#include "collector/store/store.h"
#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::store;
using namespace haidang::testing;

namespace {

constexpr int64_t kRows = 20000;
constexpr uintmax_t kLarge = 20 << 20;  // bytes, of which half are free

// A file as an earlier version left it: large, and it cannot shrink.
struct OldFile {
  TempDir dir;
  std::string path = dir / "telemetry.db";
  LogCapture log;

  OldFile() {
    auto db = Database::Open(path, {});
    REQUIRE(db);
    REQUIRE(Migrate(*db, Migrations().first(3)));
    REQUIRE(db->Exec(
        "INSERT INTO machine VALUES (1, 'pc-1', 'linux', '', 15000, NULL, 0);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " INSERT INTO journal (id, machine, spool, number, time_ms, received_ms, flags, crc,"
        " payload) SELECT i, 1, 1, i, i * 1000, i * 1000, 0, i, randomblob(1100) FROM n;"
        "DELETE FROM journal WHERE id % 2 = 0;"
        "PRAGMA wal_checkpoint(TRUNCATE)"));
    db = Database::Open(dir / "other.db", {});  // closes it
    REQUIRE(Size() > kLarge);
  }

  uintmax_t Size() const { return std::filesystem::file_size(path); }
  int64_t Number(const char* sql) const {
    auto db = Database::Open(path, {.read_only = true});
    REQUIRE(db);
    int64_t number = -1;
    REQUIRE(ForEach(*db, sql, [&](const Statement& s) { number = s.Int(0); }));
    return number;
  }
  void Start() {
    auto store = Store::Open({.path = path}, [] { return uint64_t{1}; });
    REQUIRE(store);
    CHECK(*(*store)->Append({1, 1, kRows + 1, 1, 0, 1, 0, 1, "x"}) == appended_++);
    REQUIRE((*store)->Commit());
  }
  void CheckKept() const {
    CHECK(Number("PRAGMA auto_vacuum") == 0);
    CHECK(Size() > kLarge);
    CheckRows();
  }
  void CheckWrittenAnew() const {
    CHECK(Number("PRAGMA auto_vacuum") == 2);
    CHECK(Size() < kLarge * 3 / 4);
    CheckRows();
  }
  void CheckRows() const {
    CHECK(Number("SELECT count(*) FROM journal WHERE id < 20000 AND id % 2 = 1 AND crc = id"
                 " AND length(payload) = 1100") == kRows / 2);
    CHECK(Number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
    CHECK(Number("SELECT value FROM meta WHERE key = 'schema'") == Migrations().back().version);
  }

 private:
  int64_t appended_ = kRows;  // the id that is free
};

}  // namespace

TEST_CASE_METHOD(OldFile, "a large file of an earlier version is written anew once") {
  Start();
  CheckWrittenAnew();
  CHECK(log.Count("is written anew, once") == 1);
  Start();
  CheckWrittenAnew();
  CHECK(log.Count("is written anew, once") == 1);
}

TEST_CASE_METHOD(OldFile, "where there is no room to write it anew it serves as it is") {
  // Longer than what is free, without taking any of it.
  const auto size = Size();
  const auto free = std::filesystem::space(dir.path()).available;
  std::filesystem::resize_file(path, size + (free / 2 + 4095) / 4096 * 4096);
  Start();
  CHECK(log.Count("there is no room to write it anew") == 1);
  CheckKept();
  std::filesystem::resize_file(path, size);
  Start();
  CheckWrittenAnew();
}

TEST_CASE_METHOD(OldFile, "a disk that fills up while it is written anew leaves it as it is") {
  {
    const FileSizeLimit full(4 << 20);
    Start();
  }
  CHECK(log.Count("it keeps its size whatever is deleted") == 1);
  CheckKept();
  Start();
  CheckWrittenAnew();
}
