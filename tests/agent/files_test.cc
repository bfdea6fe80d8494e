#include "agent/sources/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "agent/paced.h"
#include "agent/sources/walk.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_loop.h"
#include "tests/support/slow_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::Read;
using haidang::testing::SlowLoop;
using haidang::testing::TempDir;

namespace {

void Make(const std::string& path, size_t bytes, int64_t mtime_s = 1'700'000'000) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << std::string(bytes, 'x');
  const timespec times[] = {{mtime_s, 0}, {mtime_s, 500'000'000}};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

using Paths = std::set<std::string>;

// Each file once; the Error's message alone where it failed.
Paths Found(const TempDir& dir, const std::string& pattern, const WalkBounds& bounds = {}) {
  Paths paths;
  const std::string root = dir.path() + "/";
  const Status walked =
      WalkFiles(root, ParsePattern(pattern).value(), bounds, [&](const FoundFile& file) {
        CHECK(paths.insert(file.path.substr(root.size() - 1)).second);
      });
  return walked ? paths : Paths{walked.error().message};
}

FilesOptions Nightly(const std::string& name, std::vector<std::string> pattern) {
  FilesOptions options;
  options.name = name;
  options.pattern = std::move(pattern);
  return options;
}

}  // namespace

TEST_CASE("patterns: what is one, and what is none") {
  CHECK(ParsePattern("/a/*.gz").value() == std::vector<std::string>{"a", "*.gz"});
  CHECK(ParsePattern("//a/./b").value() == std::vector<std::string>{"a", "b"});
  CHECK(ParsePattern("/a/**").value() == std::vector<std::string>{"a", "**", "*"});
  for (const std::string& bad :
       {std::string(), std::string("a"), std::string("a/b"), std::string("/"), std::string("/a/"),
        std::string("/a/../b"), std::string("/**/a/**/b"), std::string("/a\0b", 4)}) {
    const auto parsed = ParsePattern(bad);
    CAPTURE(bad);
    REQUIRE_FALSE(parsed.ok());
    CHECK_THAT(parsed.error().message, Catch::Contains("allowed: "));
  }
}

TEST_CASE("walking: a shell's patterns, links, hidden names") {
  const TempDir dir;
  for (const char* file : {"/b/1.gz", "/b/2.gz", "/b/2.txt", "/b/.3.gz", "/b/x/4.gz", "/b/x/y/5.gz",
                           "/b/.h/6.gz", "/c/7.gz"}) {
    Make(dir.path() + file, 1);
  }
  CHECK(Found(dir, "/b/*.gz") == Paths{"/b/1.gz", "/b/2.gz"});
  CHECK(Found(dir, "/b/.*.gz") == Paths{"/b/.3.gz"});
  CHECK(Found(dir, "/b/[13]*") == Paths{"/b/1.gz"});
  CHECK(Found(dir, "/?/?.gz") == Paths{"/b/1.gz", "/b/2.gz", "/c/7.gz"});
  CHECK(Found(dir, "/b/**/*.gz") == Paths{"/b/1.gz", "/b/2.gz", "/b/x/4.gz", "/b/x/y/5.gz"});
  CHECK(Found(dir, "/b/**/y/*") == Paths{"/b/x/y/5.gz"});
  CHECK(Found(dir, "/b/2.txt") == Paths{"/b/2.txt"});
  CHECK(Found(dir, "/b/none").empty());
  CHECK(Found(dir, "/none/**/x").empty());
  CHECK(Found(dir, "/b/x").empty());  // a directory is no file

  // A link to a file is a file; a link to a directory is entered where it is named, and not by **.
  REQUIRE(symlink((dir / "c").c_str(), (dir / "b/link").c_str()) == 0);
  REQUIRE(symlink((dir / "b").c_str(), (dir / "b/x/loop").c_str()) == 0);
  REQUIRE(symlink("1.gz", (dir / "b/latest").c_str()) == 0);
  REQUIRE(symlink("gone", (dir / "b/dead").c_str()) == 0);
  CHECK(Found(dir, "/b/link/*") == Paths{"/b/link/7.gz"});
  CHECK(Found(dir, "/b/l*") == Paths{"/b/latest"});
  CHECK(Found(dir, "/b/d*").empty());
  CHECK(Found(dir, "/b/**/*.gz").size() == 4);
}

TEST_CASE("walking is bounded") {
  const TempDir dir;
  for (int i = 0; i < 20; ++i) Make(dir / ("many/" + std::to_string(i)), 1);
  CHECK(Found(dir, "/many/*", {.entries = 20, .depth = 3}).size() == 20);
  const Paths refused = Found(dir, "/many/*", {.entries = 19, .depth = 3});
  REQUIRE(refused.size() == 1);
  CHECK_THAT(*refused.begin(), Catch::Contains("more than 19 entries"));
  Make(dir / "a/b/c/d/e", 1);
  CHECK(Found(dir, "/a/**", {.entries = 99, .depth = 4}) == Paths{"/a/b/c/d/e"});
  CHECK_THAT(*Found(dir, "/a/**", {.entries = 99, .depth = 3}).begin(),
             Catch::Contains("more than 3 directories"));
}

TEST_CASE("files: the newest file's time and size, by pattern") {
  const TempDir dir;
  FakeClock clock;
  FakeLoop loop(clock);
  Make(dir / "backup/mon.gz", 100, 1'700'000'000);
  Make(dir / "backup/tue.gz", 300, 1'700'086'400);
  Make(dir / "backup/wed.gz", 0, 1'700'172'800);  // an empty file is no backup
  const auto source =
      MakeFilesSource(dir.path() + "/", loop, clock,
                      {Nightly("nightly", {"backup", "*.gz"}), Nightly("absent", {"no", "*"})});
  const auto prepare = [&] {
    source->Prepare();
    loop.RunPosted();
    CHECK(source->Ready());
  };
  prepare();
  auto read = Read(*source);
  CHECK(read.values.at(R"(haidang_files_success{name="nightly"})") == 1);
  CHECK(read.values.at(R"(haidang_files{name="nightly"})") == 2);
  CHECK(read.values.at(R"(haidang_files_bytes{name="nightly"})") == 400);
  CHECK(read.values.at(R"(haidang_files_newest_bytes{name="nightly"})") == 300);
  CHECK(read.values.at(R"(haidang_files_newest_mtime_seconds{name="nightly"})") == 1700086400.5);
  CHECK(read.values.at(R"(haidang_files{name="absent"})") == 0);
  CHECK(read.values.at(R"(haidang_files_success{name="absent"})") == 1);
  CHECK_FALSE(read.values.contains(R"(haidang_files_newest_bytes{name="absent"})"));

  // Looked at again when its interval is over.
  Make(dir / "backup/thu.gz", 50, 1'700'259'200);
  clock.Advance(4min);
  prepare();
  CHECK(Read(*source).values.at(R"(haidang_files{name="nightly"})") == 2);
  clock.Advance(1min);
  prepare();
  read = Read(*source);
  CHECK(read.values.at(R"(haidang_files{name="nightly"})") == 3);
  CHECK(read.values.at(R"(haidang_files_newest_bytes{name="nightly"})") == 50);
}

TEST_CASE("files: what cannot be looked at is told, and does not take the others down") {
  const TempDir dir;
  FakeClock clock;
  FakeLoop loop(clock);
  std::string deep = dir / "deep";
  for (int i = 0; i < 30; ++i) deep += "/d";
  Make(deep + "/f", 1);
  Make(dir / "good/f", 1);
  const auto source =
      MakeFilesSource(dir.path() + "/", loop, clock,
                      {Nightly("deep", {"deep", "**", "*"}), Nightly("good", {"good", "*"})});
  source->Prepare();
  loop.RunPosted();
  const auto read = Read(*source);
  CHECK(read.values.at(R"(haidang_files_success{name="deep"})") == 0);
  CHECK_FALSE(read.values.contains(R"(haidang_files{name="deep"})"));
  CHECK(read.values.at(R"(haidang_files{name="good"})") == 1);
}

TEST_CASE("paced work: the last result stands until the next one, but not for ever") {
  FakeClock clock;
  SlowLoop loop;
  int runs = 0;
  Paced<int> paced(loop, clock, 60s, [&runs] { return Result<int>(++runs); });
  const auto finish = [&] {
    auto job = std::move(loop.jobs.front());
    loop.jobs.erase(loop.jobs.begin());
    job.first();
    job.second();
  };
  CHECK_FALSE(paced.Latest().ok());
  paced.Prepare();
  CHECK_FALSE(paced.Ready());
  CHECK_FALSE(paced.Latest().ok());
  finish();
  CHECK(paced.Ready());
  CHECK(paced.Latest().value() == 1);
  clock.Advance(59s);
  paced.Prepare();
  CHECK(loop.jobs.empty());
  clock.Advance(1s);
  paced.Prepare();
  REQUIRE(loop.jobs.size() == 1);
  CHECK(paced.Ready());  // the first one stands in
  CHECK(paced.Latest().value() == 1);
  clock.Advance(60s);
  paced.Prepare();  // one at a time
  CHECK(loop.jobs.size() == 1);
  CHECK_FALSE(paced.Latest().ok());
  finish();
  CHECK(paced.Latest().value() == 2);
  paced.Prepare();
  CHECK(loop.jobs.size() == 1);
}
