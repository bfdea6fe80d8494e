#include "agent/spool_status.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/io/directory_lock.h"
#include "tests/agent/file_size_limit.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("haidang-agent spool tells what waits, how old it is and how big") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  CHECK_THAT(ReadSpoolStatus(dir.path(), clock).error().message, Contains("there is no spool"));
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 100; ++i) {
    MustAppend(*spool, i);
    clock.Advance(60s);
  }
  REQUIRE(spool->Settle(Named(1000, 30)).ok());
  MustAppend(*spool, 1);
  const SpoolReport report = *spool->Report();
  REQUIRE(report.spools.size() == 1);
  const SpoolIdReport& one = report.spools[0];
  CHECK(one.current);
  CHECK(one.held.first == 1);
  CHECK(one.held.next == 102);
  CHECK(one.waiting == 71);
  CHECK(one.kept == 30);
  CHECK(one.waiting_bytes + one.kept_bytes == spool->held_bytes());
  CHECK(one.oldest_ms == 37 * 60'000);  // of its pack, the newest
  CHECK(one.newest_ms == 0);
  REQUIRE(spool->Close().ok());
  spool.reset();
  clock.Advance(72h);

  const auto said = ReadSpoolStatus(dir.path(), clock);
  REQUIRE(said.ok());
  CHECK_THAT(*said, Contains("no agent runs here"));
  CHECK_THAT(*said, Contains("waiting: 71 batches, "));
  CHECK_THAT(*said, Contains("recorded 37 min to 0 s ago"));
  CHECK_THAT(*said, Contains("kept, acknowledged: 30 batches"));
  CHECK_THAT(*said, Contains("of at most 256.0 MiB"));
  CHECK_THAT(*said, Contains("spool 00000000000003e8 (current)"));
  CHECK_THAT(*said, Contains("numbers   1 to 101"));
  CHECK(*ReadSpoolStatus(dir.path(), clock) == *said);  // it changes nothing

  std::ofstream(dir / "spool.db") << std::string(10000, 'x');
  const auto broken = ReadSpoolStatus(dir.path(), clock);
  REQUIRE_FALSE(broken.ok());
  CHECK_THAT(broken.error().message, Contains("spool.db"));
}

TEST_CASE("while an agent runs, haidang-agent spool tells what it wrote last") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  REQUIRE(LockDirectory(dir.path(), "agent").ok());
  CHECK_THAT(ReadSpoolStatus(dir.path(), clock).error().message, Contains("try again"));
  REQUIRE(WriteSpoolStatus(dir.path(), *spool->Report(), 1'760'000'000'000).ok());
  const auto said = [&](std::chrono::milliseconds later) {
    FakeClock then(1'760'000'000'000 + later.count());
    return ReadSpoolStatus(dir.path(), then).value();
  };
  CHECK_THAT(said(12s),
             Contains("an agent runs here; as it was 12 s ago, at 2025-10-09 08:53:20 UTC"));
  CHECK_THAT(said(12s), Contains("waiting: 1 batches"));
  CHECK_THAT(said(-5s), Contains("as it was 0 s ago, at 2025"));
  CHECK_THAT(said(90s), Contains("as it was 90 s ago, at 2025"));
  CHECK_THAT(said(91s), Contains("stale") && Contains("could not for 91 s") && Contains("full") &&
                            Contains("as it was at 2025-10-09 08:53:20 UTC"));
  CHECK_THAT(said(3h), Contains("could not for 3 h 0 min"));
  CHECK_THAT(said(-91s), Contains("the clock was set back"));
  CHECK_FALSE(std::filesystem::exists(dir / "spool.status.new"));
  CHECK_FALSE(WriteSpoolStatus(dir / "gone", *spool->Report(), 0).ok());
  std::ofstream(dir / "spool.status") << "";
  CHECK_THAT(said(1s), Contains("is not known"));
}

TEST_CASE("a status that cannot be written leaves the old one and nothing beside it") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const SpoolReport report = *spool->Report();
  REQUIRE(WriteSpoolStatus(dir.path(), report, 1'760'000'000'000).ok());
  for (const rlim_t bytes : {0, 10}) {  // nothing of it, its beginning
    Status refused;
    {
      const FileSizeLimit limit(bytes);
      refused = WriteSpoolStatus(dir.path(), report, 1'760'000'060'000);
    }
    CHECK_FALSE(refused.ok());
    CHECK_FALSE(std::filesystem::exists(dir / "spool.status.new"));
    CHECK(std::filesystem::exists(dir / "spool.status"));
  }
}

TEST_CASE("the file of an agent that was killed is read as it is, and nothing beside it is made") {
  TempDir dir;
  TempDir killed;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i);
  for (const char* name : {"spool.db", "spool.db-wal"}) {
    std::filesystem::copy_file(dir / name, killed / name);
  }
  const auto files = [&] {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(killed.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      contents[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return contents;
  };
  const auto before = files();
  REQUIRE(before.at("spool.db-wal").size() > 1000);
  const auto said = ReadSpoolStatus(killed.path(), clock);
  REQUIRE(said.ok());
  CHECK_THAT(*said, Contains("waiting: 5 batches"));
  CHECK(files() == before);
}
