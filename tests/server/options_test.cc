#include "server/options.h"

#include <catch2/catch.hpp>

#include "collector/options.h"
#include "server/calendar.h"
#include "tests/support/sample_config.h"

using namespace haidang;
using namespace haidang::server;

namespace {

const std::string kLeast = R"(
[collector]
secret_file = "/etc/haidang/secret"
[state]
directory = "/var/lib/haidang/server"
)";

std::string Refusal(const std::string& text) {
  auto options = ParseOptions(text, "server.toml");
  REQUIRE_FALSE(options.ok());
  return options.error().message;
}

}  // namespace

TEST_CASE("the least configuration has the defaults") {
  auto options = ParseOptions(kLeast, "server.toml");
  REQUIRE(options.ok());
  CHECK(ToString(options->listen) == "127.0.0.1:8080");
  CHECK(ToString(options->collector) == "127.0.0.1:9311");
  CHECK(options->max_streams == 64);
  CHECK(options->secret_file == "/etc/haidang/secret");
  CHECK(options->objectives.empty());
  CHECK(options->office_hours.empty());
  CHECK(options->calendar_file.empty());
  CHECK(options->log_level == "info");
}

// The sample must be accepted as it stands, with its commented keys too, and must name every key.
TEST_CASE("the sample configuration is true") {
  const std::string sample = ReadSample(HAIDANG_SOURCE_DIR "/packaging/sample/server.toml");
  const auto plain = ParseOptions(sample, "server.toml");
  INFO((plain.ok() ? "" : plain.error().message));
  REQUIRE(plain.ok());
  // It finds the collector where that listens by its own defaults.
  const collector::Options collector;
  CHECK(plain->fleet_targets == std::vector<std::string>{ToString(collector.metrics)});
  CHECK(plain->own_target == ToString(Options().listen));

  const std::string all = Uncommented(sample);
  const auto full = ParseOptions(all, "server.toml");
  INFO((full.ok() ? "" : full.error().message));
  REQUIRE(full.ok());
  // What the comments call defaults are the defaults.
  const Options defaults;
  CHECK(ToString(full->listen) == ToString(defaults.listen));
  CHECK(full->max_streams == defaults.max_streams);
  CHECK(ToString(full->collector) == ToString(defaults.collector));
  CHECK(ToString(full->collector) == ToString(collector.query));
  CHECK(full->sites_file == defaults.sites_file);
  CHECK(full->inventory_file == defaults.inventory_file);
  CHECK(full->log_level == defaults.log_level);
  REQUIRE(full->objectives.size() == 1);
  CHECK(full->objectives[0].step == query::Objective().step);
  CHECK(full->objectives[0].seconds == query::Objective().seconds);
  CHECK(full->objectives[0].minutes == query::Objective().minutes);

  CHECK(full->objectives[0].share == 0.95);
  CHECK(full->objectives[0].availability == 0.995);
  CHECK(plain->office_hours.empty());
  CHECK(full->office_hours == UsualWeek());
  CHECK(full->calendar_file == defaults.calendar_file);

  for (const std::string section :
       {"server", "collector", "state", "sites", "inventory", "calendar", "metrics", "log"}) {
    for (const std::string& key : KeysAllowedBy(Refusal(WithUnknownKey(sample, section)))) {
      INFO(section << "." << key);
      CHECK(all.find("\n" + key + " = ") != std::string::npos);
    }
  }
}

TEST_CASE("every key is taken") {
  auto all = ParseOptions(kLeast + R"(
[server]
listen = "[::1]:0"
max_streams = 2
[sites]
file = "a.csv"
[inventory]
file = "b.csv"
[[objective]]
journey = "mot-cua"
[[objective]]
journey = "mot-cua"
step = "tra-cuu"
seconds = 2
minutes = 10
share = 0.95
availability = 0.995
[calendar]
monday = ["07:30-11:30", "13:00-17:00"]
saturday = ["00:00-24:00"]
sunday = []
file = "c.csv"
[metrics]
fleet_targets = ["127.0.0.1:9312"]
own_target = "may-chu.tinh:8080"
[log]
level = "debug"
)",
                          "server.toml");
  REQUIRE(all.ok());
  CHECK(all->listen.host == "::1");
  CHECK(all->listen.port == 0);
  REQUIRE(all->objectives.size() == 2);
  CHECK(all->objectives[0].seconds == 3);
  CHECK(all->objectives[1].seconds == 2);
  CHECK(all->objectives[1].minutes == 10);
  CHECK_FALSE(all->objectives[0].share);
  CHECK_FALSE(all->objectives[0].availability);
  CHECK(all->objectives[1].share == 0.95);
  CHECK(all->objectives[1].availability == 0.995);
  const std::vector<std::vector<DayHours>> week{
      {{450, 690}, {780, 1020}}, {}, {}, {}, {}, {{0, 1440}}, {}};
  CHECK(all->office_hours == week);
  CHECK(all->calendar_file == "c.csv");
}

TEST_CASE("what cannot work is refused with file, line and key") {
  CHECK(Refusal("[state]\ndirectory = \"x\"").find("secret_file") != std::string::npos);
  CHECK(Refusal(kLeast + "[server]\nlisten = \"8080\"").find("listen") != std::string::npos);
  CHECK(Refusal(kLeast + "[server]\nlisten = \"a:70000\"").find("65535") != std::string::npos);
  CHECK(Refusal(kLeast + "[server]\nmax_streams = 0").find("max_streams") != std::string::npos);
  CHECK(Refusal(kLeast + "[servers]\nlisten = \"a:1\"").find("server.toml:6") != std::string::npos);
  CHECK(Refusal(kLeast + "[log]\nlevel = \"loud\"").find("level") != std::string::npos);
  CHECK(Refusal(kLeast + "[[objective]]\njourney = \"a\"\nseconds = 0").find("seconds") !=
        std::string::npos);
  CHECK(Refusal(kLeast + "[[objective]]\njourney = \"a\"\n[[objective]]\njourney = \"a\"")
            .find("second objective") != std::string::npos);
  CHECK(Refusal(kLeast + "[metrics]\nfleet_targets = [\"x\"]").find("fleet_targets") !=
        std::string::npos);
}

TEST_CASE("the collector must be on loopback, for the secret is sent in the clear") {
  const auto with = [](const std::string& url) {
    return "[state]\ndirectory = \"x\"\n[collector]\nsecret_file = \"s\"\nurl = \"" + url + "\"";
  };
  CHECK(ParseOptions(with("http://127.1.2.3:1"), "s").ok());
  CHECK(ParseOptions(with("http://localhost:9311/"), "s").ok());
  CHECK(ParseOptions(with("http://[::1]:9311"), "s").ok());
  for (const char* url :
       {"http://10.0.0.1:9311", "http://127.evil.example:9311", "https://127.0.0.1:9311",
        "http://127.0.0.1", "http://127.0.0.1:0", "http://user@127.0.0.1:80", "127.0.0.1:9311"}) {
    INFO(url);
    CHECK(Refusal(with(url)).find("url") != std::string::npos);
  }
}

TEST_CASE("the server cannot listen where its collector answers") {
  CHECK(Refusal(kLeast + "[server]\nlisten = \"0.0.0.0:9311\"") ==
        "server.toml:7: server.listen: server.listen 0.0.0.0:9311 and collector.url 127.0.0.1:9311 "
        "are the same port; allowed: a port of its own for each");
  CHECK(Refusal("[collector]\nsecret_file = \"s\"\nurl = \"http://127.0.0.1:8080\"\n"
                "[state]\ndirectory = \"d\"")
            .starts_with("server.toml:3: collector.url: "));
}

TEST_CASE("offices keep the usual hours where only their days are given, and none without either") {
  auto file = ParseOptions(kLeast + "[calendar]\nfile = \"c.csv\"", "server.toml");
  REQUIRE(file.ok());
  CHECK(file->office_hours == UsualWeek());
  CHECK(file->office_hours.at(4) == std::vector<DayHours>{{450, 690}, {780, 1020}});
  CHECK(file->office_hours.at(5).empty());
  auto neither = ParseOptions(kLeast + "[calendar]\nfile = \"\"", "server.toml");
  REQUIRE(neither.ok());
  CHECK(neither->office_hours.empty());
}

TEST_CASE("shares that no objective can want are refused") {
  for (const char* key : {"share", "availability"}) {
    for (const char* value : {"0", "1", "95", "-0.1", "nan", "\"0.95\"", "0.999999"}) {
      INFO(key << " = " << value);
      const std::string fault =
          Refusal(kLeast + "[[objective]]\njourney = \"a\"\n" + key + " = " + value);
      CHECK(fault.starts_with("server.toml:8: objective[0]." + std::string(key) + ": "));
      CHECK(fault.find("allowed: 0.01 to 0.99999") != std::string::npos);
    }
  }
}

TEST_CASE("hours that are none are refused with their line") {
  const auto refusal = [](const std::string& hours) {
    return Refusal(kLeast + "[calendar]\nmonday = " + hours);
  };
  const std::string allowed =
      "; allowed: at most 8 stretches such as \"07:30-11:30\", none after 24:00, each after the "
      "one "
      "before";
  CHECK(refusal("[\"7h30-11h30\"]") ==
        "server.toml:7: calendar.monday: holds \"7h30-11h30\"" + allowed);
  for (const char* stretch : {"", "-", "07:30", "07:30-", "7:30-11:30", "07:30-11:60",
                              "23:00-24:01", "25:00-26:00", "11:30-07:30", "07:30-07:30",
                              "07:30-11:30-12:00", "07:30 - 11:30", "0x:30-11:30", "07:30–11:30"}) {
    INFO(stretch);
    CHECK(refusal("[\"" + std::string(stretch) + "\"]") ==
          "server.toml:7: calendar.monday: holds \"" + std::string(stretch) + "\"" + allowed);
  }
  CHECK(refusal("[\"07:30-11:30\", \"11:00-17:00\"]") ==
        "server.toml:7: calendar.monday: has the stretch 11:00-17:00, which begins before "
        "07:30-11:30 has ended" +
            allowed);
  CHECK(refusal("[\"13:00-17:00\", \"07:30-11:30\"]").find("begins before") != std::string::npos);
  CHECK(refusal("\"07:30-11:30\"").starts_with("server.toml:7: calendar.monday: must be a list"));
  std::string many;
  for (int i = 10; i < 19; ++i) {
    many += "\"" + std::to_string(i) + ":00-" + std::to_string(i) + ":30\",";
  }
  CHECK(refusal("[" + many + "]").find("has 9 entries; allowed: a list of at most 8") !=
        std::string::npos);
  CHECK(Refusal(kLeast + "[calendar]\nmonay = []").find("did you mean monday?") !=
        std::string::npos);
  // Without an hour on any day nothing would ever count.
  CHECK(Refusal(kLeast + "[calendar]\nsunday = []")
            .starts_with("server.toml:6: calendar: has no hours on any day"));
}
