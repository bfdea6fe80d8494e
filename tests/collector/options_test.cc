#include "collector/options.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::collector;

namespace {

const std::string kMinimal = R"(
[collector]
group = "quang-ninh"
[broker]
uri = "tcp://127.0.0.1:1883"
[query]
secret_file = "/etc/haidang/query.secret"
)";

std::string ErrorOf(const std::string& text) {
  const auto options = ParseOptions(text, "collector.toml");
  REQUIRE_FALSE(options);
  return options.error().message;
}

void CheckMentions(const std::string& message, std::initializer_list<const char*> words) {
  INFO(message);
  for (const char* word : words) CHECK(message.find(word) != std::string::npos);
}

}  // namespace

TEST_CASE("what is not said has its default") {
  const auto options = ParseOptions(kMinimal, "collector.toml");
  REQUIRE(options);
  CHECK(options->query.host == "127.0.0.1");
  CHECK(options->query.port == 9311);
  CHECK(options->metrics.port == 9312);
  CHECK(options->commit_every.count() == 200);
  CHECK(options->retention.journal == std::chrono::hours(720));
  CHECK(options->detect.vanished_after.count() == 30000);
  CHECK(options->broker.client_id == options->id);
}

TEST_CASE("everything can be said") {
  const auto options = ParseOptions(R"(
[collector]
id = "collector-1"
group = "quang-ninh"
[broker]
uri = "ssl://broker:8883"
ca = "ca.pem"
cert = "c.pem"
key = "c.key"
[state]
directory = "/tmp/x"
[query]
listen = "[::1]:0"
secret_file = "s"
[metrics]
listen = "0.0.0.0:9312"
[commit]
every = "100ms"
bytes = 1000000
[retention]
journal = "7d"
[detect]
vanished_after = "1min"
failing_runs = 3
[[objective]]
journey = "mot-cua"
seconds = 2.5
minutes = 10
[[objective]]
journey = "mot-cua"
step = "tra-cuu"
seconds = 1
[limits]
machines = 100
[log]
level = "debug"
)",
                                    "collector.toml");
  REQUIRE(options);
  CHECK(options->query.host == "::1");
  CHECK(options->metrics.host == "0.0.0.0");
  CHECK(options->commit_every.count() == 100);
  REQUIRE(options->objectives.size() == 2);
  CHECK(options->objectives[0].seconds == 2.5);
  CHECK(options->objectives[1].step == "tra-cuu");
  CHECK(options->limits.machines == 100);
}

TEST_CASE("the sample file is what the program reads") {
  const auto options =
      LoadOptions(std::string(HAIDANG_SOURCE_DIR) + "/packaging/sample/collector.toml");
  if (!options) FAIL(options.error().message);
  CHECK(options->objectives.size() == 1);
}

TEST_CASE("faults name file, line and key") {
  CheckMentions(ErrorOf("[collector]\ngroup = \"g\"\nidd = \"x\"\n[broker]\nuri = \"tcp://x\"\n"
                        "[query]\nsecret_file = \"s\"\n"),
                {"collector.toml:3", "idd", "allowed"});
  CheckMentions(ErrorOf("[collector]\ngroup = 5\n"), {"collector.toml:2", "group"});
  CheckMentions(ErrorOf("[collector]\nid = \"a/b\"\ngroup = \"g\"\n[broker]\nuri = \"tcp://x\"\n"),
                {"collector.toml:2", "id"});
  CheckMentions(ErrorOf(kMinimal + "[metrics]\nlisten = \"localhost\"\n"), {"listen", "numeric"});
}

TEST_CASE("the query port listens on loopback only") {
  for (const char* address : {"0.0.0.0:9311", "10.1.2.3:9311", "[::]:9311", "[fe80::1]:9311"}) {
    std::string text = kMinimal + "listen = \"" + address + "\"\n";
    CheckMentions(ErrorOf(text), {"listen", "loopback"});
  }
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:65535", "[::1]:9311"}) {
    CHECK(ParseOptions(kMinimal + "listen = \"" + address + "\"\n", "collector.toml"));
  }
}

TEST_CASE("addresses that are none are refused") {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
                           "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "127.1.evil.com:80"}) {
    INFO(text);
    CHECK_FALSE(ParseListen(text));
  }
}

TEST_CASE("a broker over TLS needs its CA, and a certificate its key") {
  CheckMentions(ErrorOf("[collector]\ngroup = \"g\"\n[broker]\nuri = \"ssl://x:8883\"\n"
                        "[query]\nsecret_file = \"s\"\n"),
                {"ca"});
  CheckMentions(ErrorOf("[collector]\ngroup = \"g\"\n[broker]\nuri = \"tcp://x\"\ncert = \"c\"\n"
                        "[query]\nsecret_file = \"s\"\n"),
                {"cert", "key"});
  CheckMentions(ErrorOf("[collector]\ngroup = \"g\"\n[broker]\nuri = \"http://x\"\n"
                        "[query]\nsecret_file = \"s\"\n"),
                {"uri", "ssl://"});
}

TEST_CASE("the secret is one line that only its owner and group can read") {
  const testing::TempDir dir;
  const std::string path = dir / "secret";
  const auto write = [&](const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
  };
  CHECK_FALSE(ReadSecret(path));
  write("0123456789abcdef\n", 0640);
  REQUIRE(ReadSecret(path));
  CHECK(*ReadSecret(path) == "0123456789abcdef");
  for (const mode_t mode : {0644, 0641, 0642, 0604}) {
    write("0123456789abcdef\n", mode);
    CheckMentions(ReadSecret(path).error().message, {"chmod", path.c_str()});
  }
  for (const char* text : {"", "short", "0123456789 abcdef", "0123456789abcdef\nsecond line"}) {
    write(text, 0600);
    CHECK_FALSE(ReadSecret(path));
  }
  write(std::string(300, 'x'), 0600);
  CHECK_FALSE(ReadSecret(path));
}
