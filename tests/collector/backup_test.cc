#include "collector/store/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "collector/backups.h"
#include "collector/store/audit.h"
#include "core/log.h"
#include "tests/agent/file_size_limit.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector::testing;
using haidang::collector::Backups;
using haidang::collector::BackupState;
using haidang::testing::FileSizeLimit;
namespace fs = std::filesystem;

namespace {

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t number = 0;
  std::string target = root / "backup.db";

  Fixture() {
    spdlog::set_level(spdlog::level::off);
    Receive(agent.Birth());
  }
  void Give(int batches) {
    for (int i = 0; i < batches; ++i) {
      ++number;
      Receive(agent.Live({.number = number,
                          .values = {{load, 1.0 * static_cast<double>(number)}},
                          .full = number == 1}));
    }
    REQUIRE(ingest->Commit());
  }
  // Makes the store so large that a backup takes a while; a check would call it a fault.
  void Bloat(int mib) {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec(("CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT"
                      " i + 1 FROM n WHERE i < " +
                      std::to_string(mib) + ") SELECT i, randomblob(1048576) AS bytes FROM n")
                         .c_str()));
  }
  store::BackupOrder Order(bool replace = false) const {
    return {dir + "/telemetry.db", target, replace};
  }
  Result<int64_t> Back(bool replace = false) { return store::MakeBackup(Order(replace), true, {}); }
  bool Left() const { return fs::exists(target) || fs::exists(target + ".part"); }
};

int64_t Batches(const std::string& file) {
  const auto audit = store::CheckStore(file);
  REQUIRE(audit);
  for (const auto& fault : audit->faults) INFO(fault.what);
  CHECK(audit->whole());
  return audit->batches;
}

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "a backup is one whole file of what was committed, private to its group") {
  Give(300);
  const auto made = Back();
  REQUIRE(made);
  CHECK(Batches(target) == 300);
  CHECK(static_cast<int64_t>(fs::file_size(target)) == *made);
  struct stat info {};
  REQUIRE(stat(target.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777 & ~0640U) == 0);
  for (const char* suffix : {".part", "-wal", "-shm", "-journal"}) {
    INFO(suffix);
    CHECK_FALSE(fs::exists(target + suffix));
  }
  Give(10);  // the store goes on
  CHECK(Batches(target) == 300);
}

TEST_CASE_METHOD(Fixture,
                 "a backup of a store that is written all the time ends, and is of one moment") {
  Give(100);
  Bloat(48);
  std::atomic<bool> ended = false;
  Result<int64_t> made = Error{};
  std::thread backup([&] {
    made = Back();
    ended = true;
  });
  uint64_t during = 0;
  while (!ended) {
    Give(1);
    ++during;
  }
  backup.join();
  REQUIRE(made);
  CHECK(during > 5);
  auto copy = Database::Open(target, {});
  REQUIRE(copy);
  REQUIRE(copy->Exec("DROP TABLE ballast"));
  const int64_t batches = Batches(target);
  CHECK(batches >= 100);
  CHECK(batches <= static_cast<int64_t>(number));
}

TEST_CASE_METHOD(Fixture, "nothing is overwritten that was not meant") {
  Give(3);
  REQUIRE(Back());
  const auto again = Back();
  REQUIRE_FALSE(again);
  CHECK(again.error().message.find("--force") != std::string::npos);
  Give(3);
  REQUIRE(Back(true));
  CHECK(Batches(target) == 6);
  target = root / "letter.txt";
  std::ofstream(target) << "Kính gửi";
  CHECK_FALSE(Back(true));
  CHECK(fs::file_size(target) > 0);
  for (const char* name :
       {"telemetry.db", "telemetry.db-wal", "telemetry.db.restored-x", "collector.lock"}) {
    target = dir + "/" + name;
    const auto own = Back(true);
    REQUIRE_FALSE(own);
    CHECK(own.error().message.find("store's own") != std::string::npos);
  }
  target = root / "sub/../0/./telemetry.db-shm";
  fs::create_directory(root / "sub");
  CHECK_FALSE(Back(true));
  fs::create_hard_link(dir + "/telemetry.db", root / "linked.db");
  target = root / "linked.db";
  CHECK_FALSE(Back(true));
  fs::create_symlink(dir + "/telemetry.db", root / "named.db");
  target = root / "named.db";
  CHECK_FALSE(Back(true));
  target = "relative.db";
  CHECK_FALSE(Back());
  target = dir + "/nightly.db";  // harms nothing
  CHECK(Back());
  CHECK(Batches(dir + "/telemetry.db") == 6);
}

TEST_CASE_METHOD(Fixture, "what a killed backup left goes with the next; another's file does not") {
  Give(3);
  std::ofstream(target + ".part") << "SQLite format 3" << '\0' << "and a half";
  REQUIRE(Back());
  CHECK(Batches(target) == 3);
  CHECK_FALSE(fs::exists(target + ".part"));
  std::ofstream(target + ".part") << std::string(9000, '\0');  // its first page was not written yet
  REQUIRE(Back(true));
  target = root / "other.db";
  std::ofstream(target + ".part") << "somebody's notes";
  CHECK_FALSE(Back());
  CHECK(fs::exists(target + ".part"));
}

TEST_CASE_METHOD(Fixture, "a backup that cannot be made leaves nothing, and says why") {
  Give(3);
  target = "/nonexistent/haidang/x.db";
  CHECK_FALSE(Back());
  target = "/dev/full/x.db";
  CHECK_FALSE(Back());
  target = root / "x.db";
  const auto stopped = [&](int64_t after) {
    CopyStop stop;
    store::BackupWatch watch;
    watch.stop = &stop;
    watch.progress = [&](int64_t copied, int64_t) {
      if (copied >= after) stop.Stop();
    };
    return store::MakeBackup(Order(), true, watch);
  };
  Bloat(4);
  for (const int64_t after : {int64_t{0}, int64_t{2} << 20, int64_t{4} << 20}) {
    CHECK_FALSE(stopped(after));
    CHECK_FALSE(Left());
  }
}

TEST_CASE_METHOD(Fixture,
                 "a disk that fills up while the backup is made is told, and nothing is left") {
  Give(3);
  Bloat(8);
  for (const rlim_t mib : {1, 3, 7}) {
    const FileSizeLimit limit(mib << 20);
    const auto made = Back();
    REQUIRE_FALSE(made);
    INFO(made.error().message);
    CHECK(made.error().message.find(target) != std::string::npos);
    CHECK(made.error().message.find("full") != std::string::npos);
    CHECK_FALSE(Left());
  }
  CHECK(Back());
}

TEST_CASE_METHOD(Fixture, "a store with damaged pages gives no backup") {
  Give(2000);
  store.reset();
  {
    std::fstream file(dir + "/telemetry.db", std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 20; page < 60; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, '\x7f');
    }
  }
  REQUIRE(fs::file_size(dir + "/telemetry.db") > 60 * 4096);
  CHECK_FALSE(Back());
  CHECK_FALSE(Left());
}

TEST_CASE_METHOD(Fixture, "who means another directory of the same name gets no backup") {
  Give(3);
  Backups backups(dir + "/telemetry.db");
  const auto other = backups.Start(target, false, store::DirectoryIdentity("/proc/self/x"));
  CHECK(other.kind == Backups::Answer::Kind::kRefused);
  CHECK(other.why.find("PrivateTmp=") != std::string::npos);
  CHECK(backups.Start(target, false, "rubbish").kind == Backups::Answer::Kind::kRefused);
  CHECK_FALSE(Left());
  CHECK(store::DirectoryIdentity(dir + "/nowhere/x").empty());
  const auto same = backups.Start(target, false, store::DirectoryIdentity(target));
  CHECK(same.kind == Backups::Answer::Kind::kStarted);
  backups.Stop();
}

TEST_CASE_METHOD(Fixture, "backups are made one at a time, and ended with the collector") {
  Give(3);
  Bloat(32);
  Backups backups(dir + "/telemetry.db");
  CHECK(backups.state().stage == BackupState::Stage::kNone);
  CHECK(backups.Start("relative", false).kind == Backups::Answer::Kind::kRefused);
  const auto first = backups.Start(target, false);
  REQUIRE(first.kind == Backups::Answer::Kind::kStarted);
  CHECK(first.state.id == 1);
  const auto second = backups.Start(root / "b.db", false);
  CHECK(second.kind == Backups::Answer::Kind::kBusy);
  CHECK(second.state.file == target);
  while (backups.state().stage == BackupState::Stage::kRunning) std::this_thread::yield();
  CHECK(backups.state().stage == BackupState::Stage::kDone);
  CHECK(backups.state().bytes == static_cast<int64_t>(fs::file_size(target)));
  const auto third = backups.Start(root / "c.db", false);
  REQUIRE(third.kind == Backups::Answer::Kind::kStarted);
  CHECK(third.state.id == 2);
  backups.Stop();
  while (backups.state().stage == BackupState::Stage::kRunning) std::this_thread::yield();
  CHECK(fs::exists(root / "c.db") == (backups.state().stage == BackupState::Stage::kDone));
  CHECK_FALSE(fs::exists(root / "c.db.part"));
  CHECK(backups.Start(root / "d.db", false).kind == Backups::Answer::Kind::kRefused);
}

TEST_CASE("how a backup stands travels as JSON, and nothing else is taken for it") {
  const BackupState state{BackupState::Stage::kFailed, 7, "/a/\xFF.db", 3, 5, "full"};
  const auto back = collector::DecodeBackup(collector::EncodeBackup(state));
  REQUIRE(back);
  CHECK(back->stage == state.stage);
  CHECK(back->id == 7);
  CHECK(back->copied == 3);
  CHECK(back->bytes == 5);
  CHECK(back->error == "full");
  for (const char* bad :
       {"", "{}", "[]", R"({"state":"odd","id":1,"file":"","copied":0,"bytes":0,"error":""})"}) {
    CHECK_FALSE(collector::DecodeBackup(bad));
  }
}
