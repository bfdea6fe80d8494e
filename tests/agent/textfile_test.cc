#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "agent/sources.h"
#include "agent/sources/exposition_text.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::TempDir;

namespace {

std::map<std::string, double> Parsed(const std::string& text) {
  std::map<std::string, double> values;
  const auto readings = ParseExposition(text, 100);
  REQUIRE(readings.ok());
  for (const Reading& reading : *readings) {
    values[ToString(reading.series)] = AsNumber(reading.value);
  }
  return values;
}

std::string Fault(const std::string& text) {
  const auto readings = ParseExposition(text, 3);
  return readings ? "" : readings.error().message;
}

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("the text exposition format: what is read") {
  const auto values = Parsed(
      "# HELP a words\n# TYPE a counter\n\na 1\n  b{} 2.5e3\n"
      "c{x=\"1\", y = \"a\\\"b\\\\c\\nd\",} -7\r\nd:e +Inf\nf NaN\ng{z=\"Phường\"} 0\n");
  CHECK(values.at("a") == 1);
  CHECK(values.at("b") == 2500);
  CHECK(values.at("c{x=\"1\",y=\"a\\\"b\\\\c\\nd\"}") == -7);
  CHECK(std::isinf(values.at("d:e")));
  CHECK(std::isnan(values.at("f")));
  CHECK(values.at("g{z=\"Phường\"}") == 0);
  CHECK(values.size() == 6);
}

TEST_CASE("the text exposition format: what is refused, and where") {
  CHECK(Fault("a 1\nb\n") == "line 2 has no number");
  CHECK(Fault("a 1 1700000000000\n") == "line 1 has a time stamp, or more behind its number");
  CHECK_THAT(Fault("1a 1\n"), Catch::Contains("does not begin with a metric's name"));
  CHECK_THAT(Fault("a{b} 1\n"), Catch::Contains("no label"));
  CHECK_THAT(Fault("a{b=c} 1\n"), Catch::Contains("not in quotes"));
  CHECK_THAT(Fault("a{b=\"c} 1\n"), Catch::Contains("not in quotes"));
  CHECK_THAT(Fault("a{b=\"c\" d=\"e\"} 1\n"), Catch::Contains("do not end"));
  CHECK_THAT(Fault("a{b=\"c\",b=\"d\"} 1\n"), Catch::Contains("twice"));
  CHECK_THAT(Fault("a{b=\"\xff\"} 1\n"), Catch::Contains("UTF-8"));
  CHECK(Fault("a{__name__=\"b\"} 1\n") == "line 1 has a label that begins with __");
  CHECK(Fault("a 1\na 2\n") == "line 2 tells a series again");
  CHECK(Fault("a 1\nb 2\nc 3\nd 4\n") == "more than 3 samples");
  CHECK(Fault("").empty());
}

TEST_CASE("the text exposition format: damaged files") {
  std::mt19937 random(20260107);
  const std::string good =
      "# HELP a b\na{x=\"1\",y=\"a\\\"b\\\\c\\nd\"} 2.5e3\nb{z=\"Phường\"} +Inf\nc -7\nd NaN\n";
  REQUIRE(ParseExposition(good, 4).ok());
  for (int round = 0; round < 5000; ++round) {
    std::string text = good.substr(random() % good.size(), random() % good.size());
    for (int change = 0; change < 3 && !text.empty(); ++change) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    const auto readings = ParseExposition(text, 3);
    if (!readings) continue;
    CHECK(readings->size() <= 3);
    for (const Reading& reading : *readings) CHECK_FALSE(reading.series.metric.empty());
  }
}

TEST_CASE("textfile: a bad file is told and does not take the others down") {
  const TempDir dir;
  FakeClock clock;
  FakeLoop loop(clock);
  std::filesystem::create_directories(dir / "drops");
  Write(dir / "drops/apt.prom",
        "# TYPE apt_upgrades_pending gauge\napt_upgrades_pending{arch=\"amd64\"} 3\n");
  Write(dir / "drops/notes.txt", "not a metric\n");
  const auto source = MakeTextfileSource(dir / "drops", loop, clock);
  const auto read = [&] {
    source->Prepare();
    loop.RunPosted();
    std::vector<Reading> readings;
    std::vector<Event> events;
    REQUIRE(source->Read(0, readings, events).ok());
    std::map<std::string, double> values;
    for (const Reading& reading : readings) {
      values[ToString(reading.series)] = AsNumber(reading.value);
    }
    return values;
  };
  auto values = read();
  CHECK(values.at("apt_upgrades_pending{arch=\"amd64\"}") == 3);
  CHECK(values.at("node_textfile_scrape_error") == 0);
  CHECK(values.at("node_textfile_mtime_seconds{file=\"" + (dir / "drops/apt.prom") + "\"}") > 1e9);
  CHECK(values.size() == 3);

  Write(dir / "drops/bad.prom", "x y z\n");
  Write(dir / "drops/twice.prom", "apt_upgrades_pending{arch=\"amd64\"} 4\n");
  values = read();
  CHECK(values.at("apt_upgrades_pending{arch=\"amd64\"}") == 3);
  CHECK(values.at("node_textfile_scrape_error") == 1);
  CHECK(values.size() == 3);

  // What the agent measures itself cannot be told otherwise by a file.
  std::filesystem::remove(dir / "drops/bad.prom");
  std::filesystem::remove(dir / "drops/twice.prom");
  Write(dir / "drops/forged.prom", "forged_too 1\nnode_load1 0\n");
  values = read();
  CHECK_FALSE(values.contains("node_load1"));
  CHECK_FALSE(values.contains("forged_too"));
  CHECK(values.at("node_textfile_scrape_error") == 1);
  CHECK(values.size() == 3);
  std::filesystem::remove(dir / "drops/forged.prom");
  CHECK(read().at("node_textfile_scrape_error") == 0);
  std::filesystem::remove_all(dir / "drops");
  CHECK(read() == std::map<std::string, double>{{"node_textfile_scrape_error", 0}});
}
