#include "agent/sources/access_log.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>

#include "agent/sources/access_reader.h"
#include "agent/sources/text.h"
#include "tests/agent/access_log_config.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_loop.h"
#include "tests/support/slow_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::Logs;
using haidang::testing::Read;
using haidang::testing::SlowLoop;
using haidang::testing::TempDir;

namespace fs = std::filesystem;

namespace {

// An agent's source with its log, that can be stopped and started again.
class Machine {
 public:
  explicit Machine(std::vector<AccessLogOptions> logs = Logs()) : logs_(std::move(logs)) {
    fs::create_directories(root_ / "log");
    fs::create_directories(root_ / "state");
    Restart();
  }

  void Restart() {
    source_ = MakeAccessLogSource(root_.path() + "/", loop_, clock_, logs_, root_ / "state");
  }
  std::string Path(const std::string& name = "access.log") const { return root_ / ("log/" + name); }
  std::string StatePath() const {
    for (const auto& entry : fs::directory_iterator(root_ / "state")) return entry.path();
    return {};
  }

  void Write(const std::string& text, const std::string& name = "access.log") const {
    std::ofstream(Path(name), std::ios::app) << text;
  }
  void Request(const std::string& request, int status = 200, const std::string& seconds = "0.1") {
    Write("client" + std::to_string(next_++) + " [23/Nov/2026:07:30:00 +0700] \"" + request +
          "\" " + std::to_string(status) + " 100 " + seconds + "\n");
  }

  void ReadInVain() {
    source_->Prepare();
    loop_.RunPosted();
    Restart();
  }

  testing::ReadResult Tick() {
    clock_.Advance(15s);
    source_->Prepare();
    loop_.RunPosted();
    CHECK(source_->Ready());
    return Read(*source_);
  }

  const TempDir& root() const { return root_; }

 private:
  std::vector<AccessLogOptions> logs_;
  TempDir root_;
  FakeClock clock_;
  FakeLoop loop_{clock_};
  std::unique_ptr<Source> source_;
  int next_ = 0;
};

constexpr char kSearches[] =
    R"(haidang_access_requests_total{group="tra-cuu",method="GET",name="mot cua",status="2xx"})";
constexpr char kBad[] = R"(haidang_access_bad_lines_total{name="mot cua"})";
constexpr char kGaps[] = R"(haidang_access_log_gaps_total{name="mot cua"})";
constexpr char kSuccess[] = R"(haidang_access_log_success{name="mot cua"})";
constexpr char kVolume[] = R"(haidang_volume_total{kind="tiep-nhan",system="mot-cua"})";
constexpr char kSearchLatency[] =
    R"(haidang_access_latency_seconds{group="tra-cuu",name="mot cua"})";

}  // namespace

TEST_CASE("access log: requests, bytes and work done, by group, method and class of status") {
  Machine machine;
  machine.Request("GET /tra-cuu/1 HTTP/1.1");
  auto read = machine.Tick();
  CHECK(read.values.at(kSuccess) == 1);
  CHECK(read.values.at(kBad) == 0);
  CHECK(read.values.at(kVolume) == 0);
  CHECK_FALSE(read.values.contains(kSearches));  // it stood there before

  machine.Request("GET /tra-cuu?so=1 HTTP/1.1");
  machine.Request("GET /tra-cuu/2 HTTP/1.1");
  machine.Request("POST /ho-so/nop HTTP/1.1", 302);
  machine.Request("POST /ho-so/nop HTTP/1.1", 500);
  machine.Request("GET /ho-so/nop HTTP/1.1");
  machine.Request("PROPFIND / HTTP/1.1", 405);
  machine.Write("bad\n\n");
  // A series begins at zero.
  read = machine.Tick();
  CHECK(read.values.at(kSearches) == 0);
  read = machine.Tick();
  CHECK(read.values.at(kSearches) == 2);
  CHECK(read.values.at(kBad) == 1);
  CHECK(read.values.at(kVolume) == 1);
  const auto other = [&](const std::string& method, const std::string& status) {
    return read.values.at(R"(haidang_access_requests_total{group="other",method=")" + method +
                          R"(",name="mot cua",status=")" + status + R"("})");
  };
  CHECK(other("POST", "3xx") == 1);
  CHECK(other("POST", "5xx") == 1);
  CHECK(other("GET", "2xx") == 1);
  CHECK(other("other", "4xx") == 1);
  CHECK(read.values.at(R"(haidang_access_response_bytes_total{group="other",name="mot cua"})") ==
        400);
  CHECK(read.values.at(R"(haidang_access_response_bytes_total{group="tra-cuu",name="mot cua"})") ==
        200);
  CHECK(read.values.contains(kSearchLatency));
  // What was told goes on at once.
  machine.Request("GET /tra-cuu/2 HTTP/1.1");
  CHECK(machine.Tick().values.at(kSearches) == 3);
}

TEST_CASE("access log: restarts at any moment count each line once, and no counter falls") {
  Machine machine;
  machine.Write("");
  machine.Tick();
  std::mt19937 random(1);
  double told = 0;
  int written = 0;
  for (int step = 0; step < 200; ++step) {
    const int lines = static_cast<int>(random() % 4);
    for (int i = 0; i < lines; ++i) machine.Request("GET /tra-cuu/1 HTTP/1.1");
    written += lines;
    if (random() % 4 == 0) machine.ReadInVain();  // killed before it told what it read
    if (random() % 3 == 0) machine.Restart();
    if (random() % 8 == 0 && fs::exists(machine.Path())) {
      fs::rename(machine.Path(), machine.Path("access.log." + std::to_string(step)));
      machine.Write("");
    }
    const auto read = machine.Tick();
    CHECK(read.values.at(kGaps) == 0);
    const auto found = read.values.find(kSearches);
    if (found == read.values.end()) continue;
    CHECK(found->second >= told);
    told = found->second;
  }
  machine.Tick();
  CHECK(machine.Tick().values.at(kSearches) == written);
}

TEST_CASE("access log: what was stored longer ago than told is made up for before it is told") {
  Machine machine;
  machine.Tick();
  for (int i = 0; i < 3; ++i) machine.Request("GET /tra-cuu/1 HTTP/1.1");
  CHECK(machine.Tick().values.at(kSearches) == 0);
  CHECK(machine.Tick().values.at(kSearches) == 3);
  const std::string before = ReadSmallFile(machine.StatePath()).value();
  for (int i = 0; i < 5; ++i) machine.Request("GET /tra-cuu/1 HTTP/1.1");
  CHECK(machine.Tick().values.at(kSearches) == 8);
  // A power cut took the newest state away, but never the one in which the series began.
  std::ofstream(machine.StatePath()) << before;
  machine.Restart();
  CHECK(machine.Tick().values.at(kSearches) == 8);
}

TEST_CASE("access log: nothing is told until all was read that came while the agent was stopped") {
  const TempDir dir;
  fs::create_directories(dir / "log");
  const auto log = [&] { return std::ofstream(dir / "log/access.log", std::ios::app); };
  const auto reader = [&] {
    return AccessReader(dir.path() + "/", Logs().front(), dir / "state", kMaxLogLine);
  };
  log() << "";
  {
    AccessReader first = reader();
    CHECK(first.Run().value()->settled);
  }
  {
    std::ofstream out = log();
    for (int i = 0; i < 30'000; ++i) {
      out << "10.0.0.1 [23/Nov/2026:07:30:00 +0700] \"GET /tra-cuu HTTP/1.1\" 200 100 0.1\n";
    }
  }
  AccessReader second = reader();
  const auto early = second.Run().value();
  CHECK_FALSE(early->settled);
  CHECK(early->readings.empty());
  CHECK(early->unread_bytes > 0);
  int runs = 0;
  while (!second.Run().value()->settled && runs < 20) ++runs;
  CHECK(runs > 0);
  CHECK(second.Run().value()->settled);
}

TEST_CASE("access log: a damaged state is told, and reading goes on at the log's end") {
  Machine machine;
  machine.Tick();
  machine.Request("GET /tra-cuu/1 HTTP/1.1");
  machine.Tick();
  std::string text = ReadSmallFile(machine.StatePath()).value();
  text[text.size() / 2] ^= 1;
  std::ofstream(machine.StatePath()) << text;
  machine.Restart();
  machine.Tick();
  const auto read = machine.Tick();
  CHECK(read.values.at(kSuccess) == 1);
  CHECK(read.values.at(kGaps) == 1);
  CHECK_FALSE(read.values.contains(kSearches));
  machine.Request("GET /tra-cuu/1 HTTP/1.1");
  machine.Tick();
  CHECK(machine.Tick().values.at(kSearches) == 1);
}

TEST_CASE("access log: where nothing can be stored it is counted all the same") {
  Machine machine;
  fs::remove(machine.root() / "state");
  machine.Tick();
  machine.Request("GET /tra-cuu/1 HTTP/1.1");
  machine.Tick();
  const auto read = machine.Tick();
  CHECK(read.values.at(kSuccess) == 1);
  CHECK(read.values.at(kSearches) == 1);
}

TEST_CASE("access log: one that cannot be read does not take the others down") {
  const std::string both = std::string(testing::kAccessLogConfig) +
                           "[[access_log]]\nname = \"b\"\npath = \"/deep/**/x.log\"\n"
                           "[[access_log.volume]]\nsystem = \"mot-cua\"\nkind = \"tiep-nhan\"\n"
                           "paths = [\"/\"]\n";
  Machine machine(Logs(both));
  std::string deep = machine.root() / "deep";
  for (int i = 0; i < 30; ++i) deep += "/d";
  fs::create_directories(deep);
  const auto read = machine.Tick();
  CHECK(read.values.at(kSuccess) == 1);
  CHECK(read.values.at(kBad) == 0);
  CHECK(read.values.at(R"(haidang_access_log_success{name="b"})") == 0);
  CHECK_FALSE(read.values.contains(R"(haidang_access_bad_lines_total{name="b"})"));
  CHECK_FALSE(read.values.contains(kVolume));  // not known while a part of it is not
}

TEST_CASE("access log: IIS' directives are known of what stood in the file before") {
  Machine machine(
      Logs("[[access_log]]\nname = \"mot cua\"\npath = \"/log/u_ex*.log\"\nformat = \"w3c\"\n"));
  machine.Write(
      "#Version: 1.0\r\n#Fields: date time cs-method cs-uri-stem sc-status\r\n"
      "2026-11-23 00:00:00 GET /a 200\r\n",
      "u_ex261123.log");
  machine.Tick();
  machine.Write("2026-11-23 00:00:01 GET /b 404\r\n", "u_ex261123.log");
  machine.Tick();
  machine.Restart();
  machine.Write("2026-11-23 00:00:02 GET /b 404\r\n", "u_ex261123.log");
  machine.Write("#Fields: sc-status cs-method\r\n404 GET\r\n", "u_ex261124.log");
  const auto read = machine.Tick();
  CHECK(read.values.at(kBad) == 0);
  CHECK(
      machine.Tick().values.at(
          R"(haidang_access_requests_total{group="other",method="GET",name="mot cua",status="4xx"})") ==
      3);
}

TEST_CASE("access log: while a reading takes its time the last one stands, for a while") {
  const TempDir dir;
  FakeClock clock;
  SlowLoop loop;
  const auto source = MakeAccessLogSource(dir.path() + "/", loop, clock, Logs(), dir.path());
  const auto finish = [&] {
    auto job = std::move(loop.jobs.front());
    loop.jobs.erase(loop.jobs.begin());
    job.first();
    job.second();
  };
  source->Prepare();
  CHECK(Read(*source).values.at(kSuccess) == 0);
  finish();
  CHECK(Read(*source).values.at(kSuccess) == 1);
  source->Prepare();
  CHECK_FALSE(source->Ready());
  clock.Advance(30s);
  CHECK(Read(*source).values.at(kSuccess) == 1);
  clock.Advance(31s);
  CHECK(Read(*source).values.at(kSuccess) == 0);
  finish();
  CHECK(Read(*source).values.at(kSuccess) == 1);
}
