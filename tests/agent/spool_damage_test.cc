#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/agent/log_capture.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// Junk in place of the file and its WAL, under the feet of the agent.
void Overwrite(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    if (!std::filesystem::exists(path + suffix)) continue;
    std::fstream file(path + suffix, std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(std::filesystem::file_size(path + suffix), 'Z');
  }
}

std::vector<std::string> Aside(const TempDir& dir, const std::string& kind = "corrupt") {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("spool.db." + kind + "-")) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("a damaged file is moved aside and the agent goes on") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const std::string path = dir / "spool.db";
  SECTION("no database at all") {
    std::ofstream(path) << std::string(10000, 'x');
    auto spool = OpenSpool({path}, clock, ids);
    MustAppend(*spool, 1);
    CHECK(Aside(dir).size() == 1);
  }
  SECTION("damage within, met after a crash") {
    {
      auto spool = OpenSpool({path}, clock, ids);
      for (int i = 0; i < 2000; ++i) MustAppend(*spool, i);
      CopyFiles(path, dir / "copy.db");
    }
    std::filesystem::rename(dir / "copy.db", path);
    std::filesystem::remove(path + "-wal");
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
    for (std::streamoff at = 8192; at + 512 < size; at += 4096) {
      file.seekp(at);
      file << std::string(512, '\xee');
    }
    file.close();
    auto spool = OpenSpool({path}, clock, ids);
    MustAppend(*spool, 1);
    CHECK(Aside(dir).size() == 1);
    CHECK(spool->waiting_batches() == 1);
  }
  SECTION("a torn WAL loses nothing of the file before it") {
    {
      auto spool = OpenSpool({path}, clock, ids);
      for (int i = 0; i < 20; ++i) MustAppend(*spool, i);
      REQUIRE(spool->Close().ok());
    }
    std::ofstream(path + "-wal") << std::string(5000, 'w');
    auto spool = OpenSpool({path}, clock, ids);
    CHECK(spool->waiting_batches() == 20);
    CHECK(Aside(dir).empty());
  }
}

TEST_CASE("damage is met once, by whatever call, and a new spool begins") {
  const std::map<std::string, std::function<bool(Spool&, uint64_t)>> calls = {
      {"Append",  // drops the oldest, which is not in the cache
       [](Spool& spool, uint64_t) {
         sparkplug::Batch batch;
         batch.samples.emplace_back(uint64_t{40}, std::string(20000, 'x'));
         return spool.Append(std::move(batch)).ok();
       }},
      {"Report", [](Spool& spool, uint64_t) { return spool.Report().ok(); }},
      {"Waiting",
       [](Spool& spool, uint64_t) { return spool.Waiting(500, std::nullopt, NothingFlies).ok(); }},
      {"WaitingOf", [](Spool& spool, uint64_t id) { return spool.WaitingOf(id, 1, 100).ok(); }},
      {"Settle",  // looks at the batch that is checked
       [](Spool& spool, uint64_t id) {
         sparkplug::Committed committed = Named(id, 100);
         committed.check_number = 100;
         return spool.Settle(committed).ok();
       }},
      {"GiveUpKept",
       [](Spool& spool, uint64_t id) {
         return spool.Settle(Named(id, 100)).ok() && spool.GiveUpKept().ok();
       }},
      {"Series", [](Spool& spool, uint64_t) { return spool.Series().ok(); }},
      {"AliasOf",
       [](Spool& spool, uint64_t) {
         return spool.AliasOf({"node_load5", {}}, DataType::kDouble, 0).ok();
       }},
      {"Close", [](Spool& spool, uint64_t) { return spool.Close().ok(); }},
  };
  for (const auto& [name, call] : calls) {
    for (const bool movable : {true, false}) {
      INFO(name << (movable ? "" : ", and the file cannot be moved"));
      TempDir dir;
      FakeClock clock;
      Ids ids;
      const SpoolOptions options{dir / "spool.db", 1 << 20};
      auto spool = OpenSpool(options, clock, ids);
      REQUIRE(spool->NextBdSeq().ok());
      REQUIRE(spool->NextBdSeq().ok());
      const uint64_t alias = *spool->AliasOf({"node_load1", {}}, DataType::kDouble, 0);
      for (int i = 0; i < 500; ++i) MustAppendBig(*spool);
      const std::string aside = options.path + ".corrupt-" + std::to_string(clock.WallMs() / 1000);
      if (!movable) std::filesystem::create_directories(aside + "/occupied");
      Overwrite(options.path);
      for (int i = 0; i < 3 && spool->id() == 1000; ++i) call(*spool, 1000);
      CHECK(call(*spool, 1000));
      // A call that touches pages in the cache alone meets nothing.
      if (spool->id() == 1000) CHECK_FALSE(spool->Waiting(500, std::nullopt, NothingFlies).ok());
      REQUIRE(spool->id() == 1001);
      CHECK(spool->dropped_batches() >= 400);
      const size_t before = spool->waiting_batches();
      MustAppend(*spool, 5);
      CHECK(Everything(*spool).size() == before + 1);
      // What is lost is told to the collector under the spool id that it had.
      const auto held = *spool->Held();
      REQUIRE(held.size() == 2);
      CHECK(held[0].spool_id == 1000);
      CHECK(held[0].reason == "corrupt");
      CHECK(held[0].first >= 501);
      CHECK(held[0].next == held[0].first);
      CHECK(*spool->AliasOf({"node_load15", {}}, DataType::kDouble, 0) > alias);
      CHECK(*spool->NextBdSeq() == 2);
      CHECK(spool->Settle(Named(1001, spool->next_number() - 1))->settled == before + 1);
      CHECK(spool->Close().ok());
      if (!movable) continue;
      CHECK(std::filesystem::is_regular_file(aside));
      spool.reset();
      spool = OpenSpool(options, clock, ids);
      CHECK(spool->id() == 1002);
      CHECK(*spool->NextBdSeq() == 3);
    }
  }
}

TEST_CASE("of the damaged files the newest two are kept") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const std::string path = dir / "spool.db";
  std::ofstream(path + ".corrupt-notes") << "somebody's own";
  for (int i = 0; i < 5; ++i) {
    std::ofstream(path) << std::string(10000, 'x');
    std::ofstream(path + "-wal") << std::string(100, 'x');
    OpenSpool({path}, clock, ids);
    const std::string name = "spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000);
    CHECK(std::filesystem::exists(dir / name));
    clock.Advance(100s);
  }
  auto found = Aside(dir);
  std::erase_if(found, [](const std::string& name) { return name.find("-wal") != name.npos; });
  CHECK(found.size() == 3);  // and the notes
  for (const std::string& name : Aside(dir)) {
    CHECK((name == "spool.db.corrupt-notes" ||
           name >= "spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000 - 200)));
  }
  clock.StepWall(-24h);  // the newest stays, whatever the clock says
  std::ofstream(path) << std::string(10000, 'x');
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
  OpenSpool({path}, clock, ids);
  CHECK(
      std::filesystem::exists(dir / ("spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000))));
}

TEST_CASE("what another machine left is set aside as a whole, and said once") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const std::string path = dir / "spool.db";
  const auto open = [&](const std::string& machine) {
    SpoolOptions options;
    options.path = path;
    options.machine = machine;
    return OpenSpool(options, clock, ids);
  };
  // Names of digits that differ in a zero alone are two.
  const std::string first = GENERATE("may-1", "0123"), second = GENERATE("may-2", "123");
  auto spool = open(first);
  for (int i = 0; i < 30; ++i) MustAppend(*spool, i);
  SECTION("as a clean stop leaves it") {
    REQUIRE(spool->Close().ok());
    spool.reset();
  }
  SECTION("as kill -9 leaves it, most of it in its WAL") {
    CopyFiles(path, dir / "copy.db");
    spool.reset();
    CopyFiles(dir / "copy.db", path);
  }
  {
    const LogCapture log;
    spool = open(first);
    CHECK(log.Count("") == 0);
    CHECK(spool->waiting_batches() == 30);
    spool.reset();
  }
  {
    const LogCapture log;
    spool = open(second);
    CHECK(log.Count("") == 1);
    CHECK(log.Count("its batches are machine " + first + "'s, and this is " + second) == 1);
    const auto aside = Aside(dir, "other-machine");
    REQUIRE(aside.size() == 1);
    CHECK(log.Count("moved to " + dir / aside[0]) == 1);
  }
  CHECK(spool->waiting_batches() == 0);
  CHECK(Everything(*spool).empty());
  CHECK(spool->Held()->size() == 1);
  CHECK(spool->next_number() == 1);
  MustAppend(*spool, 1);
  spool = nullptr;
  {
    const LogCapture log;
    CHECK(open(second)->waiting_batches() == 1);
    CHECK(log.Count("") == 0);
  }
  // All of it is there, should it be needed.
  std::filesystem::rename(dir / Aside(dir, "other-machine")[0], path);
  CHECK(open(first)->waiting_batches() == 30);
  CHECK(Aside(dir).empty());
}

TEST_CASE("a file that names no machine is taken over, and named") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options;
  options.path = dir / "spool.db";
  MustAppend(*OpenSpool(options, clock, ids), 1);
  options.machine = "may-1";
  CHECK(OpenSpool(options, clock, ids)->waiting_batches() == 1);
  options.machine = "may-2";
  CHECK(OpenSpool(options, clock, ids)->waiting_batches() == 0);
  CHECK(Aside(dir, "other-machine").size() == 1);
}
