#include "collector/store/restore.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "collector/store/audit.h"
#include "collector/store/backup.h"
#include "collector/store/schema.h"
#include "core/log.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector::testing;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kNow = 1795921234567;

// A store of six batches, a backup of the first three.
struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  std::string backup = root / "backup.db";

  Fixture() {
    spdlog::set_level(spdlog::level::off);
    Receive(agent.Birth());
    Give(1, 3);
    REQUIRE(store::MakeBackup({Store(), backup, false}, true, {}));
    Give(4, 6);
    // As a kill leaves it: with what was committed in its WAL.
    const std::string files = root / "killed";
    fs::copy(dir, files);
    dir = files;
    REQUIRE(fs::file_size(Store() + "-wal") > 0);
  }
  void Give(uint64_t first, uint64_t last) {
    for (uint64_t n = first; n <= last; ++n)
      Receive(agent.Live({.number = n, .values = {{load, 1.0}}, .full = n == 1}));
    REQUIRE(ingest->Commit());
  }
  std::string Store() const { return dir + "/telemetry.db"; }
  std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir)) names.insert(entry.path().filename());
    return names;
  }
};

int64_t Batches(const std::string& file) {
  const auto audit = store::CheckStore(file);
  REQUIRE(audit);
  CHECK(audit->whole());
  return audit->batches;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a restored store is the backup; the one before stays beside it, whole") {
  REQUIRE(Batches(Store()) == 6);
  const auto restored = store::RestoreStore(dir, backup, kNow);
  REQUIRE(restored);
  CHECK(Batches(Store()) == 3);
  CHECK_FALSE(fs::exists(Store() + "-wal"));
  CHECK(restored->aside == dir + "/telemetry.db.before-restore-20261129T030034.567Z");
  CHECK(Batches(restored->aside) == 6);
  struct stat info {};
  REQUIRE(stat(Store().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(Batches(backup) == 3);
  // And back.
  const auto back = store::RestoreStore(dir, restored->aside, kNow);
  REQUIRE(back);
  CHECK(Batches(Store()) == 6);
  CHECK(back->aside != restored->aside);
  CHECK(Batches(back->aside) == 3);
}

TEST_CASE_METHOD(Fixture,
                 "a store is restored where there was none, or where what is there is rubbish") {
  std::ofstream(Store()) << "rubbish";
  const auto over = store::RestoreStore(dir, backup, kNow);
  REQUIRE(over);
  CHECK(Batches(Store()) == 3);
  CHECK(fs::file_size(over->aside) == 7);
  fs::remove(Store());
  const auto fresh = store::RestoreStore(dir, backup, kNow + 1);
  REQUIRE(fresh);
  CHECK(fresh->aside.empty());
  CHECK(Batches(Store()) == 3);
}

TEST_CASE_METHOD(Fixture,
                 "what is no whole store of this program is not restored, and nothing is touched") {
  const auto before = Files();
  const std::string bad = root / "bad.db";
  const auto refused = [&](const char* words) {
    const auto restored = store::RestoreStore(dir, bad, kNow);
    REQUIRE_FALSE(restored);
    INFO(restored.error().message);
    CHECK(restored.error().message.find(words) != std::string::npos);
    CHECK(restored.error().message.find("bad.db") != std::string::npos);
    CHECK(Files() == before);
    CHECK(Batches(Store()) == 6);
    fs::remove_all(bad);
  };
  refused("No such file");
  fs::create_directory(bad);
  refused("no regular file");
  std::ofstream(bad)
      << "rubbish, and more of it than a header has bytes: rubbish, rubbish, rubbish,"
      << std::string(200, 'x');
  refused("");
  std::ofstream(bad).close();
  refused("no telemetry.db");
  {
    auto db = Database::Open(bad, {});
    REQUIRE(db);
    REQUIRE(db->Exec("CREATE TABLE citizen (name TEXT)"));
  }
  refused("no telemetry.db");
  fs::copy(backup, bad);
  {
    auto db = Database::Open(bad, {});
    REQUIRE(db);
    REQUIRE(db->Exec("UPDATE meta SET value = 1000 WHERE key = 'schema'"));
  }
  refused("newer");
  fs::copy(backup, bad);
  fs::resize_file(bad, fs::file_size(bad) - 3 * 4096);
  refused("");
}

TEST_CASE_METHOD(Fixture,
                 "a restore that was cut off anywhere is as if it had not begun, or is done") {
  // The steps, each a state that a kill can leave.
  const std::string at = "20261129T030034.567Z";
  const std::string whole = Store() + ".restored-" + at, aside = Store() + ".before-restore-" + at;
  fs::copy(backup, Store() + ".restoring");
  fs::resize_file(Store() + ".restoring", 5000);
  auto told = store::SettleRestore(dir);
  REQUIRE(told);
  REQUIRE(told->size() == 1);
  CHECK(told->front().find("before it changed anything") != std::string::npos);
  CHECK(Batches(Store()) == 6);
  CHECK_FALSE(fs::exists(Store() + ".restoring"));
  CHECK(store::SettleRestore(dir)->empty());

  const std::string as_it_was = root / "as-it-was";
  fs::copy(dir, as_it_was);
  for (int moved = 0; moved <= 3; ++moved) {
    INFO(moved << " of the store's files were moved");
    fs::remove_all(dir);
    fs::copy(as_it_was, dir);
    fs::copy(backup, whole);
    int left = moved;
    for (const char* suffix : {"-wal", "-shm", ""}) {
      if (left-- > 0 && fs::exists(Store() + suffix)) fs::rename(Store() + suffix, aside + suffix);
    }
    told = store::SettleRestore(dir);
    REQUIRE(told);
    REQUIRE(told->size() == 1);
    CHECK(told->front().find(aside) != std::string::npos);
    CHECK(Batches(Store()) == 3);
    CHECK(Batches(aside) == 6);
    CHECK_FALSE(fs::exists(whole));
    CHECK(store::SettleRestore(dir)->empty());
  }
}

TEST_CASE_METHOD(Fixture, "a restored store is one that a collector goes on with") {
  REQUIRE(store::RestoreStore(dir, backup, kNow));
  Reopen();
  Give(4, 9);  // offered again, and new ones
  CHECK(Journal().size() == 9);
}
