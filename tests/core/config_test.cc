#include "core/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using namespace haidang;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<ConfigFile> Parsed(std::string_view text) {
  auto file = ConfigFile::Parse(text, "agent.toml");
  REQUIRE(file.ok());
  return std::move(*file);
}

std::string Message(const ConfigFile& file) {
  REQUIRE(file.error().has_value());
  return file.error()->message;
}

}  // namespace

TEST_CASE("a file that is right is read without fault") {
  auto file = Parsed(R"(
level = "info"
[sampling]
interval = "1.5min"
ratio = 1
count = 7
on = true
off = ["cpu", "disk"]
[[probe]]
url = "http://a"
[[probe]]
url = "http://b"
)");
  ConfigTable root = file->root();
  CHECK(root.OneOf("level", "error", {"info", "error"}) == "info");
  ConfigTable sampling = root.Table("sampling");
  CHECK(sampling.Has("interval"));
  CHECK_FALSE(sampling.Has("missing"));
  CHECK(sampling.Duration("interval", 15s, 1s, 1h) == 90s);
  CHECK(sampling.Duration("absent", 15s, 1s, 1h) == 15s);
  CHECK(sampling.Number("ratio", 0, 0, 1) == 1.0);
  CHECK(sampling.Integer("count", 0, 0, 10) == 7);
  CHECK(sampling.Bool("on", false));
  CHECK(sampling.Strings("off", {}) == std::vector<std::string>{"cpu", "disk"});
  std::vector<std::string> urls;
  for (ConfigTable& probe : root.Tables("probe")) {
    urls.push_back(probe.RequiredString("url"));
    probe.Finish();
  }
  CHECK(urls == std::vector<std::string>{"http://a", "http://b"});
  sampling.Finish();
  root.Finish();
  CHECK_FALSE(file->error().has_value());
}

TEST_CASE("durations: numbers are seconds, texts have a unit") {
  const auto read = [](std::string_view value) -> std::optional<int64_t> {
    auto file = Parsed("d = " + std::string(value));
    const auto duration = file->root().Duration("d", 1ms, 0ms, 48h);
    if (file->error()) return std::nullopt;
    return duration.count();
  };
  CHECK(read("15") == 15000);
  CHECK(read("0.25") == 250);
  CHECK(read("\"250ms\"") == 250);
  CHECK(read("\"15s\"") == 15000);
  CHECK(read("\"15 s\"") == 15000);
  CHECK(read("\"2min\"") == 120000);
  CHECK(read("\"1.5h\"") == 5400000);
  CHECK(read("\"1d\"") == 86400000);
  for (const char* bad : {"\"15\"", "\"\"", "\"s\"", "\"15 minutes\"", "\"-1s\"", "-1", "\"3d\"",
                          "nan", "inf", "\"nans\"", "\"1e999s\"", "true", "[1]", "\"0x10s\""}) {
    INFO(bad);
    CHECK_FALSE(read(bad).has_value());
  }
}

TEST_CASE("faults name file, line, key, what stands there and what is allowed") {
  const auto fault = [](std::string_view text, auto read) {
    auto file = Parsed(text);
    ConfigTable root = file->root();
    read(root);
    root.Finish();
    return Message(*file);
  };
  CHECK(fault("a = 1\nintervall = 3\n", [](ConfigTable& t) {
          t.Integer("a", 0, 0, 9);
          t.Integer("interval", 0, 0, 9);
        }) == "agent.toml:2: intervall: unknown key, did you mean interval?; allowed: a, interval");
  CHECK(fault("zzzzzzz = 1\n", [](ConfigTable& t) { t.Bool("on", false); }) ==
        "agent.toml:1: zzzzzzz: unknown key; allowed: on");
  CHECK(fault("\n\na = \"x\"", [](ConfigTable& t) { t.Integer("a", 0, -1, 9); }) ==
        "agent.toml:3: a: must be a whole number, is the text \"x\"; allowed: -1 to 9");
  CHECK(fault("a = 10", [](ConfigTable& t) { t.Integer("a", 0, -1, 9); }) ==
        "agent.toml:1: a: is out of range, is the number 10; allowed: -1 to 9");
  CHECK(fault("a = 1.5", [](ConfigTable& t) { t.Integer("a", 0, -1, 9); }) ==
        "agent.toml:1: a: must be a whole number, is the number 1.5; allowed: -1 to 9");
  CHECK(fault("a = true", [](ConfigTable& t) { t.Number("a", 0, 0, 0.5); }) ==
        "agent.toml:1: a: must be a number, is true; allowed: 0 to 0.5");
  CHECK(fault("a = nan", [](ConfigTable& t) { t.Number("a", 0, 0, 0.5); }) ==
        "agent.toml:1: a: is out of range, is the number nan; allowed: 0 to 0.5");
  CHECK(fault("a = 1", [](ConfigTable& t) { t.Bool("a", false); }) ==
        "agent.toml:1: a: must be a truth value, is the number 1; allowed: true, false");
  CHECK(fault("a = \"q\"",
              [](ConfigTable& t) {
                t.OneOf("a", "x", {"x", "y"});
              }) ==
        "agent.toml:1: a: must be one of a few words, is the text \"q\"; allowed: \"x\", \"y\"");
  CHECK(
      fault("a = \"90min\"", [](ConfigTable& t) { t.Duration("a", 15s, 1500ms, 1h); }) ==
      "agent.toml:1: a: is out of range, is the text \"90min\"; allowed: 1500ms to 1h, as a number "
      "of seconds or a text with ms, s, min, h or d");
  CHECK(fault("a = 1979-05-27", [](ConfigTable& t) { t.String("a", ""); }) ==
        "agent.toml:1: a: must be a text in quotes, is a date or time; allowed: a text of at most "
        "4096 bytes");
  CHECK(fault("a = \"12345\"", [](ConfigTable& t) { t.String("a", "", 4); }) ==
        "agent.toml:1: a: has 5 bytes; allowed: a text of at most 4 bytes");
  CHECK(fault("a = \"x\\u0000y\"", [](ConfigTable& t) { t.String("a", ""); }) ==
        "agent.toml:1: a: has control characters; allowed: a text of at most 4096 bytes without "
        "them");
  CHECK(fault("a = [1]", [](ConfigTable& t) { t.Strings("a", {}); }) ==
        "agent.toml:1: a: holds the number 1; allowed: a list of at most 256 texts");
  CHECK(fault("a = [\"1\", \"2\"]", [](ConfigTable& t) { t.Strings("a", {}, 1); }) ==
        "agent.toml:1: a: has 2 entries; allowed: a list of at most 1 texts");
  CHECK(
      fault("a = \"x\"", [](ConfigTable& t) { t.Strings("a", {}); }) ==
      "agent.toml:1: a: must be a list of texts, is the text \"x\"; allowed: a list of at most 256 "
      "texts");
  CHECK(fault("a = 1", [](ConfigTable& t) { t.Table("a"); }) ==
        "agent.toml:1: a: must be a table, is the number 1; allowed: a section [a]");
  CHECK(fault("[a]", [](ConfigTable& t) { t.Tables("a"); }) ==
        "agent.toml:1: a: must be a list of tables, is a table; allowed: sections [[a]], at most "
        "256");
  CHECK(fault("[[a]]\n[[a]]", [](ConfigTable& t) { t.Tables("a", 1); }) ==
        "agent.toml:1: a: has 2 entries; allowed: sections [[a]], at most 1");
}

TEST_CASE("nested keys are named with their path") {
  auto file = Parsed("[a]\n[a.b]\nx = 1\n[[p]]\n[[p]]\nurl = 3\n");
  SECTION("unknown") {
    ConfigTable inner = file->root().Table("a").Table("b");
    inner.Integer("y", 0, 0, 9);
    inner.Finish();
    CHECK(Message(*file) == "agent.toml:3: a.b.x: unknown key, did you mean y?; allowed: y");
  }
  SECTION("in an array") {
    auto root = file->root();
    for (ConfigTable& probe : root.Tables("p")) probe.String("url", "");
    CHECK(Message(*file).starts_with("agent.toml:6: p[1].url: must be a text in quotes"));
  }
  SECTION("missing") {
    auto root = file->root();
    root.Tables("p")[0].RequiredString("url");
    CHECK(Message(*file) ==
          "agent.toml:4: p[0].url: is missing; allowed: a text that is not empty");
  }
}

TEST_CASE("an absent table gives fallbacks, and faults where something is required") {
  auto file = Parsed("x = \"\"");
  ConfigTable absent = file->root().Table("broker");
  CHECK(absent.Integer("port", 5, 0, 9) == 5);
  CHECK(absent.Tables("list").empty());
  absent.Finish();
  CHECK_FALSE(file->error().has_value());
  CHECK(absent.RequiredString("uri").empty());
  CHECK(Message(*file) ==
        "agent.toml:1: broker.uri: is missing; allowed: a text that is not empty");
}

TEST_CASE("the first fault is kept") {
  auto file = Parsed("a = 1\nb = 2\n");
  ConfigTable root = file->root();
  root.Bool("b", false);
  root.Bool("a", false);
  root.Fault("a", "something else");
  root.Finish();
  CHECK(Message(*file).starts_with("agent.toml:2: b:"));
}

TEST_CASE("a misspelt required key is told, not the one that is missing for it") {
  const auto read = [](std::string_view text) {
    auto file = Parsed(text);
    ConfigTable root = file->root();
    ConfigTable broker = root.Table("broker");
    const std::string uri = broker.RequiredString("uri");
    if (uri.empty()) broker.Fault("uri", "is no address; allowed: \"ssl://host:8883\"");
    broker.RequiredString("secret_file");
    broker.Finish();
    ConfigTable log = root.Table("log");
    log.Bool("on", false);
    log.Finish();
    root.Finish();
    return Message(*file);
  };
  CHECK(read("[broker]\nsecret_file = \"s\"\nurii = \"x\"") ==
        "agent.toml:3: broker.urii: unknown key, did you mean uri?; allowed: secret_file, uri");
  CHECK(read("[broker]\nsecret_file = \"s\"\nURI = \"x\"") ==
        "agent.toml:3: broker.URI: unknown key, did you mean uri?; allowed: secret_file, uri");
  CHECK(read("[broker]\nuri = \"x\"\nsecretfile = \"s\"") ==
        "agent.toml:3: broker.secretfile: unknown key, did you mean secret_file?; allowed: "
        "secret_file, uri");
  CHECK(read("\n[Broker]\nuri = \"x\"\nsecret_file = \"s\"") ==
        "agent.toml:2: Broker: unknown key, did you mean broker?; allowed: broker, log");
  // A key that is really missing is told though another table has an unknown one, and no other
  // fault gives way.
  CHECK(read("[broker]\nuri = \"x\"\n[log]\nom = true") ==
        "agent.toml:1: broker.secret_file: is missing; allowed: a text that is not empty");
  CHECK(
      read("[broker]\nuri = 7\nsecretfile = \"s\"") ==
      "agent.toml:2: broker.uri: must be a text in quotes, is the number 7; allowed: a text of at "
      "most 4096 bytes");
}

TEST_CASE("required texts must not be empty") {
  auto file = Parsed("uri = \"\"");
  file->root().RequiredString("uri");
  CHECK(Message(*file) ==
        "agent.toml:1: uri: must not be empty; allowed: a text that is not empty");
}

TEST_CASE("odd keys do not break the message") {
  auto file = Parsed("\"a\\nb" + std::string(300, 'x') + "\" = 1\n");
  file->root().Finish();
  const std::string message = Message(*file);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 200);
}

TEST_CASE("what is not TOML is refused with its place") {
  for (const char* text : {"a = ", "a == 1", "[a", "a = 1\na = 2", "\xff\xfe", "a = \"\n\""}) {
    const auto file = ConfigFile::Parse(text, "agent.toml");
    REQUIRE_FALSE(file.ok());
    INFO(file.error().message);
    CHECK(file.error().message.starts_with("agent.toml:"));
    CHECK(file.error().message.find("not valid TOML") != std::string::npos);
    CHECK(file.error().message.find("; allowed: TOML 1.0") != std::string::npos);
  }
  const auto nested = ConfigFile::Parse("a = " + std::string(100000, '['), "agent.toml");
  CHECK_FALSE(nested.ok());
}

TEST_CASE("files are bounded and must be files") {
  char folder[] = "/tmp/haidang-config-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/agent.toml";
  CHECK(ConfigFile::Load(path).error().message ==
        path +
            ": cannot read the configuration: No such file or directory; allowed: a TOML file of "
            "at most 1 MiB that this user may read");
  CHECK(
      ConfigFile::Load(folder).error().message ==
      std::string(folder) +
          ": cannot read the configuration: not a regular file; allowed: a TOML file of at most 1 "
          "MiB that this user may read");
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(ConfigFile::Load(path).ok());
  unlink(path.c_str());
  std::ofstream(path) << "a = 1";
  CHECK(ConfigFile::Load(path).ok());
  std::ofstream(path) << "#" << std::string(1 << 20, 'x');
  CHECK(ConfigFile::Load(path).error().message.find("larger than 1 MiB") != std::string::npos);
  unlink(path.c_str());
  rmdir(folder);
}
