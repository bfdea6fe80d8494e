#include "agent/sources/access_log.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "agent/options.h"
#include "agent/sources/access_reader.h"
#include "agent/sources/access_state.h"
#include "agent/sources/text.h"
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

namespace fs = std::filesystem;

namespace {

constexpr char kConfig[] = R"(
[[access_log]]
name = "mot cua"
path = "/log/access.log"
format = '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time'
[[access_log.group]]
name = "tra-cuu"
paths = ["/tra-cuu", "/tra-cuu/*"]
[[access_log.volume]]
system = "mot-cua"
kind = "tiep-nhan"
paths = ["/ho-so/nop*"]
methods = ["POST"]
)";

std::vector<AccessLogOptions> Logs(const std::string& config = kConfig) {
  const auto options = ParseOptions(config, "agent.toml", Need::kReading);
  INFO((options ? "" : options.error().message));
  REQUIRE(options.ok());
  return options->access_logs;
}

std::string Fault(const std::string& config) {
  const auto options = ParseOptions(config, "agent.toml", Need::kReading);
  REQUIRE_FALSE(options.ok());
  return options.error().message;
}

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

TEST_CASE("access log: without a state directory files are read from their start") {
  const TempDir dir;
  fs::create_directories(dir / "log");
  std::ofstream(dir / "log/access.log")
      << "10.0.0.1 [23/Nov/2026:07:30:00 +0700] \"GET /tra-cuu HTTP/1.1\" 200 100 0.1\n";
  AccessReader reader(dir.path() + "/", Logs().front(), "");
  std::vector<Reading> readings = reader.Run().value()->readings;
  const auto searches = std::find_if(readings.begin(), readings.end(), [](const Reading& one) {
    return ToString(one.series) == kSearches;
  });
  REQUIRE(searches != readings.end());
  CHECK(AsNumber(searches->value) == 1);
}

TEST_CASE("access log: lines of a real server, counted by another program too") {
  AccessReader reader(
      std::string(FIXTURES) + "/access-logs/",
      Logs("[[access_log]]\nname = \"r\"\npath = \"/apache-combined.log\"\n").front(), "");
  const auto report = reader.Run().value();
  std::map<std::string, double> values;
  for (const Reading& one : report->readings) values[ToString(one.series)] = AsNumber(one.value);
  const auto requests = [&](const std::string& method, const std::string& status) {
    return values.at(R"(haidang_access_requests_total{group="other",method=")" + method +
                     R"(",name="r",status=")" + status + R"("})");
  };
  CHECK(requests("GET", "2xx") == 147);
  CHECK(requests("GET", "3xx") == 2);
  CHECK(requests("GET", "4xx") == 40);
  CHECK(requests("GET", "5xx") == 1);
  CHECK(requests("HEAD", "2xx") == 8);
  CHECK(values.at(R"(haidang_access_response_bytes_total{group="other",name="r"})") == 6377227);
  CHECK(values.at(R"(haidang_access_bad_lines_total{name="r"})") == 1);
}

TEST_CASE("access log: latency's 95th percentile is within 10 %") {
  struct Shape {
    const char* name;
    double median;
    double spread;
  };
  for (const Shape& shape :
       {Shape{"pages", 0.12, 0.6}, Shape{"reports", 1.7, 1.1}, Shape{"small files", 0.004, 0.3}}) {
    INFO(shape.name);
    Machine machine;
    machine.Tick();
    std::mt19937 random(7);
    std::lognormal_distribution<double> seconds(std::log(shape.median), shape.spread);
    std::vector<double> all;
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
      const double rounded = std::round(seconds(random) * 1e3) / 1e3;
      all.push_back(rounded);
      text += "1 [t] \"GET /tra-cuu HTTP/1.1\" 200 5 " + std::to_string(rounded) + "\n";
    }
    machine.Write(text);
    machine.Tick();
    const TempDir dir;
    fs::create_directories(dir / "log");
    fs::copy_file(machine.Path(), dir / "log/access.log");
    AccessReader reader(dir.path() + "/", Logs().front(), "");
    const auto report = reader.Run().value();
    const auto found =
        std::find_if(report->readings.begin(), report->readings.end(),
                     [](const Reading& one) { return ToString(one.series) == kSearchLatency; });
    REQUIRE(found != report->readings.end());
    const auto latency = Histogram::Decode(std::get<Bytes>(found->value).data);
    REQUIRE(latency.ok());
    CHECK(latency->count() == all.size());
    std::sort(all.begin(), all.end());
    const double exact = all[all.size() * 95 / 100];
    CHECK(latency->Quantile(0.95) == Approx(exact).epsilon(0.10));
  }
}

TEST_CASE("access log: one that cannot be read does not take the others down") {
  const std::string both = std::string(kConfig) +
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

TEST_CASE("access log: rules that change keep what still has a series") {
  const auto text = [](const std::vector<UrlGroup>& groups) {
    const std::vector<VolumeRule> none;
    AccessCounts counts(groups, none);
    AccessLine line;
    line.path = "/a";
    line.status = 200;
    counts.Request(line);
    return FormatAccessState({}, counts);
  };
  const std::vector<UrlGroup> old = {{"a b%", {"/a"}}};
  const std::vector<UrlGroup> changed = {{"new", {"/b"}}, {"a b%", {"/c"}}};
  const std::vector<VolumeRule> none;
  AccessCounts counts(changed, none);
  REQUIRE(ParseAccessState(text(old), counts).ok());
  counts.Begin();
  std::vector<Reading> readings;
  counts.Report("x", readings);
  const auto kept = std::count_if(readings.begin(), readings.end(), [](const Reading& one) {
    return one.series.metric == "haidang_access_requests_total" &&
           one.series.labels.at("group") == "a b%" && AsNumber(one.value) == 1;
  });
  CHECK(kept == 1);
  // Of a group that is no more nothing is left, and that is no damage.
  const std::vector<UrlGroup> no_groups;
  AccessCounts fewer(no_groups, none);
  CHECK(ParseAccessState(text(old), fewer).ok());
}

TEST_CASE("access log: a state is read as it was written, and damage is refused") {
  TailState tail;
  tail.id = {.device = 7, .inode = 8};
  tail.path = "/var/log/\xff tên % có dấu\n.log";
  tail.note = " date time\tsc-status";
  tail.offset = 1ULL << 40;
  tail.head_size = 1024;
  tail.head_crc = ~0ULL;
  tail.skipping = true;
  const std::vector<UrlGroup> groups;
  const std::vector<VolumeRule> volumes;
  AccessCounts counts(groups, volumes);
  const std::string text = FormatAccessState({tail, tail}, counts);
  const auto read = ParseAccessState(text, counts);
  REQUIRE(read.ok());
  REQUIRE(read->size() == 2);
  const TailState& got = read->front();
  CHECK(got.id == tail.id);
  CHECK(got.path == tail.path);
  CHECK(got.note == tail.note);
  CHECK(got.offset == tail.offset);
  CHECK(got.head_size == tail.head_size);
  CHECK(got.head_crc == tail.head_crc);
  CHECK(got.skipping);
  CHECK_FALSE(got.copy);
  CHECK_FALSE(got.leaving);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    CHECK_FALSE(ParseAccessState(text.substr(0, cut), counts).ok());
  }
  for (const std::string& word : {std::string(), std::string("-"), std::string("%20"),
                                  std::string("a b"), std::string("\0\x1f\x7f", 3)}) {
    CHECK(UnescapeWord(EscapeWord(word)) == word);
    CHECK(EscapeWord(word).find(' ') == std::string::npos);
  }
  for (const char* bad : {"", "%", "%2", "%zz", "%2g"}) CHECK_FALSE(UnescapeWord(bad).has_value());
}

TEST_CASE("access log: wrong configurations are refused, with what is allowed") {
  const std::string head = "[[access_log]]\nname = \"a\"\npath = \"/l\"\n";
  for (const std::string& bad :
       {std::string("[[access_log]]\npath = \"/l\"\n"),
        std::string("[[access_log]]\nname = \"a\"\n"),
        std::string("[[access_log]]\nname = \"a\"\npath = \"l\"\n"), head + head,
        head + "format = \"iis\"\n", head + "latency_unit = \"min\"\n", head + "level = 1\n",
        head + "[[access_log.group]]\nname = \"other\"\npaths = [\"/\"]\n",
        head + "[[access_log.group]]\nname = \"b\"\n",
        head + "[[access_log.group]]\nname = \"b\"\npaths = [\"b\"]\n",
        head + "[[access_log.volume]]\nsystem = \"b\"\npaths = [\"/\"]\n"}) {
    INFO(bad);
    CHECK_THAT(Fault(bad), Catch::Contains("agent.toml:") && Catch::Contains("allowed: "));
  }
}
