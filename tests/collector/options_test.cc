#include "collector/options.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/support/broker_process.h"
#include "tests/support/sample_config.h"
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
  CHECK(options->retention.raw == std::chrono::hours(720));
  CHECK(options->detect.vanished_after.count() == 30000);
  CHECK(options->broker.client_id == options->id);
  CHECK(options->broker.backoff_max == std::chrono::seconds(2));
}

TEST_CASE("no level is kept shorter than what it is made of") {
  const auto long_raw = ParseOptions(kMinimal + "[retention]\nraw = \"2000d\"\n", "collector.toml");
  REQUIRE(long_raw);
  CHECK(long_raw->retention.five_minutes == long_raw->retention.raw);
  CHECK(long_raw->retention.hour == long_raw->retention.raw);
  const auto all =
      ParseOptions(kMinimal + "[retention]\nraw = \"1h\"\nfive_minutes = \"1h\"\nhour = \"2h\"\n",
                   "collector.toml");
  REQUIRE(all);
  CHECK(all->retention.hour == std::chrono::hours(2));
  CheckMentions(ErrorOf(kMinimal + "[retention]\nfive_minutes = \"29d\"\n"),
                {"retention.five_minutes: ", "retention.raw", "; allowed: "});
  CheckMentions(ErrorOf(kMinimal + "[retention]\nhour = \"300d\"\n"),
                {"retention.hour: ", "retention.five_minutes", "; allowed: "});
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
raw = "7d"
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

// The sample must be accepted as it stands, with its commented keys too, and must name every key.
TEST_CASE("the sample configuration is true") {
  const std::string sample = ReadSample(HAIDANG_SOURCE_DIR "/packaging/sample/collector.toml");
  const auto plain = ParseOptions(sample, "collector.toml");
  INFO((plain ? "" : plain.error().message));
  REQUIRE(plain);
  CHECK(plain->objectives.size() == 1);

  const std::string all = Uncommented(sample);
  const auto full = ParseOptions(all, "collector.toml");
  INFO((full ? "" : full.error().message));
  REQUIRE(full);
  // What the comments call defaults are the defaults.
  const Options defaults;
  CHECK(full->id == defaults.id);
  CHECK(full->directory == defaults.directory);
  CHECK(ToString(full->query) == ToString(defaults.query));
  CHECK(ToString(full->metrics) == ToString(defaults.metrics));
  CHECK(full->commit_every == defaults.commit_every);
  CHECK(full->commit_bytes == defaults.commit_bytes);
  CHECK(full->retention.raw == defaults.retention.raw);
  CHECK(full->retention.five_minutes == defaults.retention.five_minutes);
  CHECK(full->retention.hour == defaults.retention.hour);
  CHECK(full->retention.findings == defaults.retention.findings);
  CHECK(full->detect.vanished_after == defaults.detect.vanished_after);
  CHECK(full->detect.failing_runs == defaults.detect.failing_runs);
  CHECK(full->objectives.at(0).step == query::Objective().step);
  CHECK(full->backfill.total == defaults.backfill.total);
  CHECK(full->backfill.machine == defaults.backfill.machine);
  CHECK(full->journey_requests_per_second == defaults.journey_requests_per_second);
  CHECK(plain->remotes.empty());
  REQUIRE(full->remotes.size() == 1);
  const remote::RemoteOptions& remote = full->remotes[0];
  const remote::RemoteOptions unsaid;
  CHECK(remote.out_of_order == unsaid.out_of_order);
  CHECK(remote.timeout == unsaid.timeout);
  CHECK(remote.requests.max_samples == unsaid.requests.max_samples);
  CHECK(remote.requests.native_histograms == unsaid.requests.native_histograms);
  CHECK(remote.backoff_min == unsaid.backoff_min);
  CHECK(remote.backoff_max == unsaid.backoff_max);
  CHECK(remote.ca_file == unsaid.ca_file);
  CHECK(remote.cert_file == unsaid.cert_file);
  CHECK(remote.server_name == unsaid.server_name);
  CHECK(full->limits.machines == defaults.limits.machines);
  CHECK(full->limits.series_per_machine == defaults.limits.series_per_machine);
  CHECK(full->limits.series == defaults.limits.series);
  CHECK(full->limits.bytes_per_day == defaults.limits.bytes_per_day);
  CHECK(full->log_level == defaults.log_level);

  for (const std::string section :
       {"collector", "broker", "state", "query", "metrics", "commit", "retention", "detect",
        "backfill", "journeys", "limits", "log"}) {
    for (const std::string& key : KeysAllowedBy(ErrorOf(WithUnknownKey(sample, section)))) {
      INFO(section << "." << key);
      CHECK(all.find("\n" + key + " = ") != std::string::npos);
    }
  }
}

TEST_CASE("faults name file, line and key") {
  CheckMentions(ErrorOf(std::string(kMinimal) + "[journeys]\nmax_requests_per_second = 0\n"),
                {"journeys.max_requests_per_second", "0.01"});
  CheckMentions(ErrorOf("[collector]\ngroup = \"g\"\nidd = \"x\"\n[broker]\nuri = \"tcp://x:1\"\n"
                        "[query]\nsecret_file = \"s\"\n"),
                {"collector.toml:3", "idd", "allowed"});
  CheckMentions(ErrorOf("[collector]\ngroup = 5\n"), {"collector.toml:2", "group"});
  CheckMentions(
      ErrorOf("[collector]\nid = \"a/b\"\ngroup = \"g\"\n[broker]\nuri = \"tcp://x:1\"\n"),
      {"collector.toml:2", "id"});
  CheckMentions(ErrorOf(kMinimal + "[metrics]\nlisten = \"example.vn:1\"\n"),
                {"listen", "numeric"});
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

TEST_CASE("a broker over TLS needs its CA, certificate and key") {
  const std::string begin =
      "[collector]\ngroup = \"g\"\n[query]\nsecret_file = \"s\"\n[broker]\nuri = "
      "\"ssl://x:8883\"\n";
  CheckMentions(ErrorOf(begin), {"collector.toml:5: broker.ca: is missing"});
  CheckMentions(ErrorOf(begin + "ca = \"a\"\n"), {"broker.cert: is missing"});
  CheckMentions(ErrorOf(begin + "ca = \"a\"\ncert = \"b\"\n"), {"broker.key: is missing"});
}

TEST_CASE("the broker's address is judged as a start would") {
  const auto with = [](const std::string& uri) {
    return "[collector]\ngroup = \"g\"\n[query]\nsecret_file = \"s\"\n[broker]\nuri = \"" + uri +
           "\"\n";
  };
  for (const char* uri :
       {"tcp://a:1", "tcp://10.0.0.1:65535", "tcp://[::1]:1883", "tcp://a-b.c_d:1"}) {
    INFO(uri);
    CHECK(ParseOptions(with(uri), "collector.toml"));
  }
  for (const char* uri :
       {"http://x:1", "x:1", "TCP://x:1", "tcp://x", "tcp://x:", "tcp://:1", "tcp://x:0",
        "tcp://x:65536", "tcp://x:1x", "tcp://x:-1", "tcp://a b:1", "tcp:// x:1", "tcp://x:1 ",
        "tcp://x:1/", "tcp://user@x:1", "tcp://::1:1", "tcp://[::g]:1", "tcp://[::1]"}) {
    CheckMentions(ErrorOf(with(uri)), {"collector.toml:6: broker.uri: ", "; allowed: "});
  }
}

TEST_CASE("addresses to listen on are numeric, with a port that exists") {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
                           "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "127.1.evil.com:80"}) {
    for (const char* table : {"query", "metrics"}) {
      std::string toml = kMinimal + "[" + table + "]\nlisten = \"" + text + "\"\n";
      if (table == std::string("query")) toml = kMinimal + "listen = \"" + text + "\"\n";
      CheckMentions(ErrorOf(toml), {table, ".listen: ", "; allowed: "});
    }
  }
}

namespace {

// A configuration that is right, file by file, until a test breaks one of them.
struct Files {
  haidang::testing::TempDir dir;
  std::string ca = dir / "ca.crt", cert = dir / "hai-dang.crt", key = dir / "hai-dang.key",
              state = dir / "deep/state", secret = dir / "secret", uri = "ssl://broker:8883";

  Files() {
    haidang::testing::MakeCa(dir.path());
    haidang::testing::MakeSignedCertificate(dir.path(), "hai-dang", "");
    haidang::testing::MakeSignedCertificate(dir.path(), "other", "");
    Write(secret, "0123456789abcdef\n");
  }
  static void Write(const std::string& path, const std::string& text, mode_t mode = 0640) {
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
  }
  Result<Options> Load() {
    const std::string path = dir / "collector.toml";
    Write(path, "[collector]\ngroup = \"g\"\nid = \"hai-dang\"\n[broker]\nuri = \"" + uri +
                    "\"\nca = \"" + ca + "\"\ncert = \"" + cert + "\"\nkey = \"" + key +
                    "\"\n[state]\ndirectory = \"" + state + "\"\n[query]\nsecret_file = \"" +
                    secret + "\"\n");
    return LoadOptions(path);
  }
  void CheckRefused(std::initializer_list<const char*> words) {
    const auto options = Load();
    REQUIRE_FALSE(options);
    CheckMentions(options.error().message, words);
    CheckMentions(options.error().message, {"/collector.toml:", "; allowed: "});
  }
};

}  // namespace

TEST_CASE_METHOD(Files, "what the options name is looked at; nothing is made") {
  const auto options = Load();
  if (!options) FAIL(options.error().message);
  CHECK_FALSE(std::filesystem::exists(dir / "deep"));
  std::filesystem::create_directories(state);
  CHECK(Load());
  CHECK(std::filesystem::is_empty(state));
}

TEST_CASE_METHOD(Files, "a fault of a named file is told at the key that names it") {
  SECTION("the CA is missing") {
    ca = dir / "none.crt";
    CheckRefused({":6: broker.ca: ", "none.crt"});
  }
  SECTION("the CA is a directory") {
    ca = dir.path();
    CheckRefused({":6: broker.ca: ", "not a regular file"});
  }
  SECTION("the CA is no certificate") {
    ca = key;
    CheckRefused({":6: broker.ca: ", "hai-dang.key"});
  }
  SECTION("the certificate is none") {
    cert = secret;
    CheckRefused({":7: broker.cert: ", "secret"});
  }
  SECTION("the key is another's") {
    key = dir / "other.key";
    CheckRefused({":8: broker.key: ", "other.key"});
  }
  SECTION("the key needs a passphrase") {
    const std::string locked = dir / "locked.key";
    const std::string command =
        "openssl ec -aes128 -passout pass:secret -in " + key + " -out " + locked + " 2> /dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    key = locked;
    CheckRefused({":8: broker.key: ", "without a passphrase"});
  }
  SECTION("the certificate is made out to another") {
    cert = dir / "other.crt";
    key = dir / "other.key";
    CheckRefused({":3: collector.id: ", "\"hai-dang\"", "\"other\""});
  }
  SECTION("without TLS they do not matter") {
    uri = "tcp://broker:1883";
    ca = cert = key = "/nowhere";
    CHECK(Load());
  }
  SECTION("the state is empty") {
    state.clear();
    CheckRefused({":10: state.directory: ", "must not be empty"});
  }
  SECTION("the state is within a file") {
    state = secret + "/state";
    CheckRefused({":10: state.directory: ", "Not a directory"});
  }
  SECTION("the state is where nothing can be made") {
    state = "/proc/haidang";
    CheckRefused({":10: state.directory: ", "/proc/haidang"});
    state = "/proc";
    CheckRefused({":10: state.directory: ", "/proc"});
  }
  SECTION("the secret is missing") {
    secret = dir / "none";
    CheckRefused({":12: query.secret_file: ", "none"});
  }
  SECTION("the secret is everybody's") {
    for (const mode_t mode : {0644, 0641, 0642, 0604}) {
      Write(secret, "0123456789abcdef", mode);
      CheckRefused({":12: query.secret_file: ", "chmod"});
    }
  }
  SECTION("the secret is none") {
    for (const std::string& text :
         {std::string(), std::string("short"), std::string("0123456789 abcdef"),
          std::string("0123456789abcdef\nsecond line"), std::string(300, 'x')}) {
      Write(secret, text);
      CheckRefused({":12: query.secret_file: ", "16 to 256"});
    }
  }
}

TEST_CASE("two listeners on one port are refused at the line of the key that is there") {
  CHECK(ErrorOf(kMinimal + "[metrics]\nlisten = \"127.0.0.1:9311\"") ==
        "collector.toml:9: metrics.listen: query.listen 127.0.0.1:9311 and metrics.listen "
        "127.0.0.1:9311 are the same port; allowed: a port of its own for each");
  CHECK(ErrorOf(kMinimal + "listen = \"[::1]:9312\"\n[metrics]\nlisten = \"[::]:9312\"")
            .starts_with("collector.toml:10: metrics.listen: "));
  CHECK(ErrorOf(kMinimal + "listen = \"127.0.0.1:9312\"")
            .starts_with("collector.toml:8: query.listen: "));
  CHECK(ParseOptions(kMinimal + "listen = \"127.0.0.1:0\"\n[metrics]\nlisten = \"127.0.0.1:0\"",
                     "collector.toml"));
}

TEST_CASE("addresses overlap where one machine cannot listen on both") {
  const auto overlap = [](const char* a, const char* b) {
    CHECK(Overlap(*ParseListen(a), *ParseListen(b)) == Overlap(*ParseListen(b), *ParseListen(a)));
    return Overlap(*ParseListen(a), *ParseListen(b));
  };
  CHECK(overlap("127.0.0.1:80", "127.0.0.1:80"));
  CHECK(overlap("0.0.0.0:80", "127.0.0.1:80"));
  CHECK(overlap("0.0.0.0:80", "localhost:80"));
  CHECK(overlap("[::]:80", "127.0.0.1:80"));
  CHECK(overlap("[::1]:80", "[0:0::1]:80"));
  CHECK(overlap("localhost:80", "[::1]:80"));
  CHECK_FALSE(overlap("127.0.0.1:80", "127.0.0.1:81"));
  CHECK_FALSE(overlap("127.0.0.1:80", "127.0.0.2:80"));
  CHECK_FALSE(overlap("127.0.0.1:80", "[::1]:80"));
  CHECK_FALSE(overlap("0.0.0.0:80", "[::1]:80"));
  CHECK_FALSE(overlap("127.0.0.1:0", "127.0.0.1:0"));
}
