#include "agent/sources/log_follow.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include "agent/sources/walk.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::TempDir;

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

struct Taken final : LineSink {
  void Line(std::string&, std::string_view line) override { lines.emplace_back(line); }
  void TooLong() override { ++too_long; }
  void Passed(std::string& note, std::string_view head) override { note = head.substr(0, 4); }
  void Lost(const std::string&) override { ++lost; }

  Lines lines;
  int too_long = 0;
  int lost = 0;
};

// A log with lines that tell when they were written, and a follower that can be started again.
class Log {
 public:
  explicit Log(const std::string& pattern = "/access.log", bool from_start = false)
      : options_{.pattern = ParsePattern(pattern).value(), .from_start = from_start} {
    Restart();
  }

  std::string Path(const std::string& name = "access.log") const { return dir_ / name; }

  // `count` lines of some 40 bytes, all different.
  void Write(int count, const std::string& name = "access.log") {
    std::ofstream out(Path(name), std::ios::app);
    for (int i = 0; i < count; ++i) {
      const std::string line = "line " + std::to_string(next_++) + " of a log that is followed";
      out << line << '\n';
      written_.push_back(line);
    }
  }
  void WriteRaw(const std::string& text, const std::string& name = "access.log") const {
    std::ofstream(Path(name), std::ios::app) << text;
  }
  void Rename(const std::string& from, const std::string& to) const {
    fs::rename(Path(from), Path(to));
  }
  // Files' times tell which was written after another.
  void Age(const std::string& name) const {
    fs::last_write_time(Path(name), fs::file_time_type::clock::now() - std::chrono::hours(24));
  }
  // As logrotate's copytruncate.
  void CopyAndCut(const std::string& to) const {
    fs::copy_file(Path(), Path(to));
    fs::resize_file(Path(), 0);
  }

  // As a process that is killed and started: nothing stays but what was stored.
  void Restart() {
    const bool had = follower_.has_value();
    const auto states = had ? follower_->states() : std::vector<TailState>();
    follower_.emplace(dir_.path() + "/", options_);
    if (had) follower_->Restore(states);
  }

  bool Run() {
    const auto read = follower_->Run(taken);
    REQUIRE(read.ok());
    return *read;
  }
  void RunUntilForgotten() {
    for (int i = 0; i < 8; ++i) Run();
  }

  const Lines& written() const { return written_; }
  LogFollower& follower() { return *follower_; }
  FollowOptions& options() { return options_; }

  Taken taken;

 private:
  TempDir dir_;
  FollowOptions options_;
  std::optional<LogFollower> follower_;
  Lines written_;
  int next_ = 0;
};

}  // namespace

TEST_CASE("what stood in the log before is passed over, what comes is taken once") {
  Log log;
  log.WriteRaw("old one\nold two, not yet ended");
  CHECK(log.Run());
  CHECK(log.taken.lines.empty());
  CHECK(log.follower().states().front().note == "old ");
  log.WriteRaw(" now it is\n");
  log.Write(2);
  log.WriteRaw("half a");
  log.Run();
  CHECK(log.taken.lines == log.written());
  log.Run();
  CHECK(log.taken.lines == log.written());
  log.WriteRaw(" line\n");
  log.Run();
  CHECK(log.taken.lines.back() == "half a line");
}

TEST_CASE("a log that comes later is read from its start; one that goes is no failure") {
  Log log;
  CHECK(log.Run());
  log.Write(3);
  CHECK(log.Run());
  CHECK(log.taken.lines == log.written());
  fs::remove(log.Path());
  log.RunUntilForgotten();
  CHECK(log.follower().states().empty());
  CHECK(log.taken.lost == 0);
}

TEST_CASE("renamed: the old file's end, then the new file") {
  Log log;
  log.Run();
  log.Write(5);
  log.Run();
  log.Write(5);
  log.Rename("access.log", "access.log.1");
  SECTION("new file at once") { log.Write(5); }
  SECTION("the server goes on in the old file for a while") {
    log.Run();
    log.Run();
    log.Write(2, "access.log.1");
    log.Run();
    log.Write(3);
  }
  SECTION("renamed twice before anybody looked") {
    log.Age("access.log.1");
    log.Write(5);
    log.Rename("access.log.1", "access.log.2");
    log.Rename("access.log", "access.log.1");
    log.Write(5);
  }
  SECTION("compressed and removed before anybody looked") {
    fs::remove(log.Path("access.log.1"));  // its descriptor is held
    log.Write(5);
  }
  log.RunUntilForgotten();
  CHECK(log.taken.lines == log.written());
  CHECK(log.follower().states().size() == 1);
  CHECK(log.taken.lost == 0);
}

TEST_CASE("an old file's last line that was never ended counts when the file is left") {
  Log log;
  log.Run();
  log.WriteRaw("a\nb");
  log.Run();
  log.Rename("access.log", "access.log.1");
  log.RunUntilForgotten();
  CHECK(log.taken.lines == Lines{"a", "b"});
}

TEST_CASE("copied and cut: the copy's end, then the file from its start") {
  Log log;
  log.Run();
  log.Write(50);
  log.Run();
  log.Write(5);
  log.CopyAndCut("access.log.1");
  SECTION("shorter than before") { log.Write(5); }
  SECTION("already longer than before") { log.Write(90); }
  SECTION("empty") {}
  SECTION("while the agent was stopped") {
    log.Restart();
    log.Write(3);
  }
  log.RunUntilForgotten();
  CHECK(log.taken.lines == log.written());
  log.Write(1);
  log.Run();
  CHECK(log.taken.lines == log.written());
  CHECK(log.taken.lost == 0);
}

TEST_CASE("cut without a copy: told as lost, and gone on with") {
  Log log;
  log.Run();
  log.Write(50);
  log.Run();
  fs::resize_file(log.Path(), 0);
  log.Write(5);
  log.Run();
  CHECK(log.taken.lines == log.written());  // the test wrote nothing between reading and cutting
  CHECK(log.taken.lost == 1);
}

TEST_CASE("restarted: nothing lost, nothing twice") {
  Log log;
  log.Run();
  log.Write(10);
  log.Run();
  log.Restart();
  log.Run();
  CHECK(log.taken.lines == log.written());
  log.Restart();
  log.Write(10);
  SECTION("renamed once") {
    log.Rename("access.log", "access.log.1");
    log.Write(10);
  }
  SECTION("renamed twice") {
    log.Rename("access.log", "access.log.1");
    log.Write(10);
    log.Rename("access.log.1", "access.log.2");
    log.Rename("access.log", "access.log.1");
    log.Age("access.log.2");
    log.Write(10);
  }
  SECTION("renamed with a date") {
    log.Rename("access.log", "access.log-20261123");
    log.Write(10);
  }
  SECTION("and again in the middle of an old file") {
    log.options().bytes_per_run = 100;
    log.Restart();
    log.Rename("access.log", "access.log.1");
    log.Write(10);
    for (int i = 0; i < 10; ++i) {
      log.Run();
      log.Restart();
    }
  }
  log.RunUntilForgotten();
  CHECK(log.taken.lines == log.written());
  CHECK(log.taken.lost == 0);
}

TEST_CASE("renamed and compressed while the agent was stopped: told as lost") {
  Log log;
  log.Run();
  log.Write(10);
  log.Run();
  log.Restart();
  log.Rename("access.log", "access.log.1.gz");
  log.Write(3);
  log.RunUntilForgotten();
  CHECK(log.taken.lines == log.written());
  CHECK(log.taken.lost == 1);
}

TEST_CASE("a new file each day, old ones removed") {
  Log log("/access.*.log", false);
  log.Write(3, "access.1.log");
  log.Run();
  CHECK(log.taken.lines.empty());
  for (int day = 2; day < 6; ++day) {
    log.Write(2, "access." + std::to_string(day) + ".log");
    if (day == 4) log.Restart();
    log.Run();
    log.WriteRaw("late " + std::to_string(day) + "\n", "access." + std::to_string(day) + ".log");
    log.Run();
  }
  fs::remove(log.Path("access.1.log"));
  fs::remove(log.Path("access.2.log"));
  log.RunUntilForgotten();
  CHECK(log.taken.lines.size() == 12);
  CHECK(log.taken.lost == 0);
  CHECK(log.follower().states().size() == 3);
}

TEST_CASE("a pattern that matches rotated files too counts nothing twice") {
  Log log("/access.log*");
  log.Write(20);
  log.Run();
  log.Write(20);
  log.Run();
  const Lines all(log.written().begin() + 20, log.written().end());
  CHECK(log.taken.lines == all);
  SECTION("renamed") { log.Rename("access.log", "access.log.1"); }
  SECTION("copied and cut") { log.CopyAndCut("access.log.1"); }
  SECTION("copied, looked at, cut") {
    fs::copy_file(log.Path(), log.Path("access.log.1"));
    log.Run();
    fs::resize_file(log.Path(), 0);
  }
  SECTION("compressed") {
    fs::copy_file(log.Path(), log.Path("access.log.1.gz"));
    fs::remove(log.Path());
  }
  log.Run();
  CHECK(log.taken.lines == all);
  log.Write(1);
  log.RunUntilForgotten();
  CHECK(log.taken.lines.size() == 21);
}

TEST_CASE("lines without end, and a budget: bounded") {
  Log log("/access.log", true);
  log.WriteRaw(std::string(3 * kMaxLogLine + 5, 'x') + "\nshort\n" +
               std::string(kMaxLogLine - 1, 'y') + "\n");
  CHECK(log.Run());
  CHECK(log.taken.too_long == 1);
  REQUIRE(log.taken.lines.size() == 2);
  CHECK(log.taken.lines[0] == "short");

  log.options().bytes_per_run = kMaxLogLine;
  log.Restart();
  log.taken = {};
  log.Write(50'000);
  CHECK_FALSE(log.Run());
  CHECK(log.follower().unread_bytes() > 0);
  while (!log.Run()) {
  }
  CHECK(log.taken.lines == log.written());
  CHECK(log.follower().unread_bytes() == 0);
}

TEST_CASE("what cannot be read is told; what is no file is passed over") {
  Log log("/*/access.log");
  fs::create_directories(log.Path("a"));
  REQUIRE(mkfifo(log.Path("a/access.log").c_str(), 0600) == 0);
  CHECK(log.Run());
  for (int i = 0; i < 513; ++i) {
    const std::string folder = "d" + std::to_string(i);
    fs::create_directories(log.Path(folder));
    log.WriteRaw("x\n", folder + "/access.log");
  }
  const auto read = log.follower().Run(log.taken);
  REQUIRE_FALSE(read.ok());
  CHECK_THAT(read.error().message, Catch::Contains("more than 512 files"));
}

TEST_CASE("any order of writing, rotating, reading and restarting: each line once") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Log log;
    log.Run();
    log.options().bytes_per_run = 2000;
    const bool copies = seed % 2 == 0;
    int rotations = 0;
    const auto settle = [&] {
      while (!log.Run()) {
      }
    };
    for (int step = 0; step < 80; ++step) {
      switch (random() % 6) {
        case 0:
        case 1:
          log.Write(static_cast<int>(random() % 20));
          break;
        case 2:
          log.Run();
          break;
        case 3:
          log.Restart();
          break;
        case 4:
          settle();
          break;
        default:
          if (!fs::exists(log.Path()) || fs::file_size(log.Path()) == 0) break;
          log.Run();
          log.Write(2);
          if (copies) {
            settle();
            log.Write(3);
            log.CopyAndCut("access.log." + std::to_string(++rotations));
          } else {
            log.Rename("access.log", "access.log." + std::to_string(++rotations));
          }
          log.Write(1);
          log.Run();
      }
    }
    for (int i = 0; i < 8; ++i) settle();
    CHECK(log.taken.lost == 0);
    Lines got = log.taken.lines;
    Lines want = log.written();
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
    CHECK(got == want);
  }
}
