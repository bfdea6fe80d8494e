#include "agent/sources/access_state.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "agent/options.h"
#include "agent/sources/access_reader.h"
#include "tests/agent/access_log_config.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::Logs;
using haidang::testing::TempDir;

namespace fs = std::filesystem;

namespace {

std::string Fault(const std::string& config) {
  const auto options = ParseOptions(config, "agent.toml", Need::kReading);
  REQUIRE_FALSE(options.ok());
  return options.error().message;
}

// What a reader without a memory makes of a log that stands there.
std::map<std::string, Value> ReadWhole(const std::string& root, const AccessLogOptions& options) {
  AccessReader reader(root, options, "");
  std::map<std::string, Value> values;
  const auto report = reader.Run().value();
  for (const Reading& one : report->readings) values[ToString(one.series)] = one.value;
  return values;
}

constexpr char kSearches[] =
    R"(haidang_access_requests_total{group="tra-cuu",method="GET",name="mot cua",status="2xx"})";
constexpr char kSearchLatency[] =
    R"(haidang_access_latency_seconds{group="tra-cuu",name="mot cua"})";

}  // namespace

TEST_CASE("access log: without a state directory files are read from their start") {
  const TempDir dir;
  fs::create_directories(dir / "log");
  std::ofstream(dir / "log/access.log")
      << "10.0.0.1 [23/Nov/2026:07:30:00 +0700] \"GET /tra-cuu HTTP/1.1\" 200 100 0.1\n";
  CHECK(AsNumber(ReadWhole(dir.path() + "/", Logs().front()).at(kSearches)) == 1);
}

TEST_CASE("access log: lines of a real server, counted by another program too") {
  const auto values =
      ReadWhole(std::string(FIXTURES) + "/access-logs/",
                Logs("[[access_log]]\nname = \"r\"\npath = \"/apache-combined.log\"\n").front());
  const auto number = [&](const std::string& series) { return AsNumber(values.at(series)); };
  const auto requests = [&](const std::string& method, const std::string& status) {
    return number(R"(haidang_access_requests_total{group="other",method=")" + method +
                  R"(",name="r",status=")" + status + R"("})");
  };
  CHECK(requests("GET", "2xx") == 147);
  CHECK(requests("GET", "3xx") == 2);
  CHECK(requests("GET", "4xx") == 40);
  CHECK(requests("GET", "5xx") == 1);
  CHECK(requests("HEAD", "2xx") == 8);
  CHECK(number(R"(haidang_access_response_bytes_total{group="other",name="r"})") == 6377227);
  CHECK(number(R"(haidang_access_bad_lines_total{name="r"})") == 1);
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
    std::mt19937 random(7);
    std::lognormal_distribution<double> seconds(std::log(shape.median), shape.spread);
    std::vector<double> all;
    std::string text;
    for (int i = 0; i < 20'000; ++i) {
      const double rounded = std::round(seconds(random) * 1e3) / 1e3;
      all.push_back(rounded);
      text += "1 [t] \"GET /tra-cuu HTTP/1.1\" 200 5 " + std::to_string(rounded) + "\n";
    }
    const TempDir dir;
    fs::create_directories(dir / "log");
    std::ofstream(dir / "log/access.log") << text;
    const auto values = ReadWhole(dir.path() + "/", Logs().front());
    const auto latency = Histogram::Decode(std::get<Bytes>(values.at(kSearchLatency)).data);
    REQUIRE(latency.ok());
    CHECK(latency->count() == all.size());
    std::sort(all.begin(), all.end());
    const double exact = all[all.size() * 95 / 100];
    CHECK(latency->Quantile(0.95) == Approx(exact).epsilon(0.10));
  }
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
