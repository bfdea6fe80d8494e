#include "collector/remote/options.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "collector/options.h"
#include "tests/support/broker_process.h"
#include "tests/support/sample_config.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::remote;
using namespace std::chrono_literals;

namespace {

const std::string kRest = R"([collector]
group = "quang-ninh"
[broker]
uri = "tcp://127.0.0.1:1883"
[query]
secret_file = "/etc/haidang/query.secret"
)";

Result<collector::Options> Parse(const std::string& remotes) {
  return collector::ParseOptions(kRest + remotes, "collector.toml");
}

RemoteOptions Only(const std::string& keys) {
  const auto options = Parse("[[remote_write]]\n" + keys);
  INFO(keys << (options ? "" : options.error().message));
  REQUIRE(options);
  REQUIRE(options->remotes.size() == 1);
  return options->remotes[0];
}

// The fault that `keys` of one [[remote_write]] are.
std::string FaultOf(const std::string& keys) {
  const auto options = Parse("[[remote_write]]\n" + keys);
  INFO(keys);
  REQUIRE_FALSE(options);
  return options.error().message;
}

void CheckRefused(const std::string& keys, const std::string& key, const std::string& words) {
  const std::string fault = FaultOf(keys);
  INFO(fault);
  CHECK(fault.find(": remote_write[0]." + key + ": ") != std::string::npos);
  CHECK(fault.find(words) != std::string::npos);
  CHECK(fault.find("; allowed: ") != std::string::npos);
}

const std::string kUrl = "url = \"https://tsdb.example/api/v1/write\"\n";

}  // namespace

TEST_CASE("nothing is written anywhere unless it is asked for") {
  const auto options = Parse("");
  REQUIRE(options);
  CHECK(options->remotes.empty());
}

TEST_CASE("what is not said has its default") {
  const RemoteOptions remote = Only(kUrl);
  CHECK(remote.url.text == "https://tsdb.example/api/v1/write");
  CHECK(remote.timeout == 30s);
  CHECK(remote.requests.max_samples == 10000);
  CHECK_FALSE(remote.requests.native_histograms);
  CHECK(remote.requests.external_labels.empty());
  CHECK(remote.headers.empty());
  CHECK(remote.out_of_order == 0s);
  CHECK(remote.keep == 24h);
  CHECK(remote.keep_bytes == int64_t{4} << 30);
  CHECK(remote.backoff_min == 100ms);
  CHECK(remote.backoff_max == 30s);
  CHECK(remote.user.empty());
  CHECK(remote.bearer_token_file.empty());
}

TEST_CASE("everything can be said, for several receivers") {
  const auto options = Parse(R"([[remote_write]]
url = "https://a.example:8428/api/v1/write?extra_label=x%3Dy"
timeout = "5s"
max_samples_per_send = 500
out_of_order = "30d"
keep = "7d"
keep_bytes = 1073741824
native_histograms = true
backoff_min = "1s"
backoff_max = "1min"
headers = { X-Scope-OrgID = "quang-ninh", X-Empty = "" }
external_labels = { province = "quang-ninh", tên = "" }
)");
  REQUIRE_FALSE(options);  // a label of that name there is none
  const auto right = Parse(R"([[remote_write]]
url = "https://a.example:8428/api/v1/write?extra_label=x%3Dy"
timeout = "5s"
max_samples_per_send = 500
out_of_order = "30d"
keep = "7d"
keep_bytes = 1073741824
native_histograms = true
backoff_min = "1s"
backoff_max = "1min"
headers = { X-Scope-OrgID = "quang-ninh", X-Empty = "" }
[remote_write.external_labels]
province = "quang-ninh"
tier = "tỉnh"
[remote_write.basic_auth]
user = "hai đăng"
password_file = "p"
[remote_write.tls]
ca = "ca.pem"
cert = "c.pem"
key = "c.key"
server_name = "tsdb.internal"
[[remote_write]]
url = "http://127.0.0.1:9090/api/v1/write"
bearer_token_file = "t"
)");
  INFO((right ? "" : right.error().message));
  REQUIRE(right);
  REQUIRE(right->remotes.size() == 2);
  const RemoteOptions& a = right->remotes[0];
  CHECK(a.url.shown == "https://a.example:8428/api/v1/write?***");
  CHECK(a.timeout == 5s);
  CHECK(a.requests.max_samples == 500);
  CHECK(a.requests.native_histograms);
  CHECK(a.out_of_order == 720h);
  CHECK(a.keep == 168h);
  CHECK(a.keep_bytes == 1 << 30);
  CHECK(a.backoff_min == 1s);
  CHECK(a.backoff_max == 60s);
  CHECK(a.headers.at("X-Scope-OrgID") == "quang-ninh");
  CHECK(a.headers.at("X-Empty").empty());
  CHECK(a.requests.external_labels == Labels{{"province", "quang-ninh"}, {"tier", "tỉnh"}});
  CHECK(a.user == "hai đăng");
  CHECK(a.password_file == "p");
  CHECK(a.ca_file == "ca.pem");
  CHECK(a.key_file == "c.key");
  CHECK(a.server_name == "tsdb.internal");
  CHECK(right->remotes[1].bearer_token_file == "t");
}

TEST_CASE("URLs are taken apart") {
  const auto url = ParseRemoteUrl("http://[::1]:8428/x/y?token=s3cret&a=b");
  REQUIRE(url);
  CHECK_FALSE(url->tls);
  CHECK(url->host == "::1");
  CHECK(url->port == "8428");
  CHECK(url->authority == "[::1]:8428");
  CHECK(url->rest == "/x/y?token=s3cret&a=b");
  CHECK(url->shown == "http://[::1]:8428/x/y?***");
  CHECK(ParseRemoteUrl("https://a.example")->port == "443");
  CHECK(ParseRemoteUrl("https://a.example")->authority == "a.example");
  CHECK(ParseRemoteUrl("http://a.example/w")->port == "80");
}

TEST_CASE("URLs that are none are refused, and never quoted") {
  for (const std::string url :
       {"tsdb.example/write", "ftp://tsdb.example/s3cret", "https://", "https:///s3cret",
        "https://u:s3cret@tsdb.example/", "https://s3cret@tsdb.example/", "https://a b/s3cret",
        "https://a:99999/s3cret", "https://a:0/s3cret", "file:///s3cret", "https://a/#s3cret"}) {
    const std::string fault = FaultOf("url = \"" + url + "\"\n");
    INFO(url << ": " << fault);
    CHECK(fault.find(":8: remote_write[0].url: ") != std::string::npos);
    CHECK(fault.find("; allowed: ") != std::string::npos);
    CHECK(fault.find("s3cret") == std::string::npos);
  }
  CheckRefused("timeout = 5\n", "url", "is missing");
}

TEST_CASE("what is wrong is refused at its key") {
  CheckRefused(kUrl + "urll = 1\n", "urll", "did you mean url?");
  CheckRefused(kUrl + "timeout = \"10ms\"\n", "timeout", "out of range");
  CheckRefused(kUrl + "max_samples_per_send = 0\n", "max_samples_per_send", "1 to 100000");
  CheckRefused(kUrl + "keep = \"0s\"\n", "keep", "allowed: ");
  CheckRefused(kUrl + "keep_bytes = 1000\n", "keep_bytes", "allowed: ");
  CheckRefused(kUrl + "out_of_order = true\n", "out_of_order", "must be a duration");
  CheckRefused(kUrl + "native_histograms = 1\n", "native_histograms", "true, false");
  CheckRefused(kUrl + "backoff_min = \"1min\"\n", "backoff_min", "shorter");
  CheckRefused(kUrl + "backoff_max = \"50ms\"\n", "backoff_max", "shorter");
  CheckRefused(kUrl + "headers = { \"a b\" = \"x\" }\n", "headers", "name");
  CheckRefused(kUrl + "headers = { a = 1 }\n", "headers", "control characters for a;");
  CheckRefused(kUrl + "headers = \"a\"\n", "headers", "must be a table");
  CheckRefused(kUrl + "headers = { a = \"x\\ny: z\" }\n", "headers", "one line");
  CheckRefused(kUrl + "headers = { authorization = \"x\" }\n", "headers", "bearer_token_file");
  CheckRefused(kUrl + "headers = { Content-Encoding = \"gzip\" }\n", "headers", "sets itself");
  for (const std::string label : {"le", "__name__", "\"1x\"", "\"a-b\"", "\"\""}) {
    CheckRefused(
        std::string(kUrl).append("external_labels = { ").append(label).append(" = \"x\" }\n"),
        "external_labels", "name");
  }
  CheckRefused(kUrl + "[remote_write.basic_auth]\nuser = \"u\"\n", "basic_auth.password_file",
               "is missing");
  CheckRefused(kUrl + "[remote_write.basic_auth]\nuser = \"u\"\npassword = \"p\"\n",
               "basic_auth.password", "unknown key");
  CheckRefused(kUrl + "[remote_write.basic_auth]\nuser = \"a:b\"\npassword_file = \"p\"\n",
               "basic_auth.user", "colon");
  CheckRefused(kUrl +
                   "bearer_token_file = \"t\"\n[remote_write.basic_auth]\nuser = \"u\"\n"
                   "password_file = \"p\"\n",
               "bearer_token_file", "beside basic_auth");
  CheckRefused(kUrl + "[remote_write.tls]\ninsecure_skip_verify = true\n",
               "tls.insecure_skip_verify", "not offered");
  CheckRefused(kUrl + "[remote_write.tls]\ncert = \"c\"\n", "tls.cert", "stands alone");
  CheckRefused(kUrl + "[remote_write.tls]\nkey = \"c\"\n", "tls.key", "stands alone");
  CheckRefused(kUrl + "[remote_write.tls]\nserver_name = \"a/b\"\n", "tls.server_name", "host");
}

TEST_CASE("credentials do not go over the network in the clear") {
  const std::string token = "bearer_token_file = \"t\"\n";
  CheckRefused("url = \"http://tsdb.example/write\"\n" + token, "url", "https://");
  CHECK(Only("url = \"http://127.0.0.1/write\"\n" + token).bearer_token_file == "t");
  CHECK(Only("url = \"http://localhost:1/write\"\n" + token).bearer_token_file == "t");
  CHECK(Only("url = \"http://[::1]:1/write\"\n" + token).bearer_token_file == "t");
}

TEST_CASE("a receiver stands there once") {
  const auto options = Parse("[[remote_write]]\nurl = \"http://a/w?x=1\"\n" +
                             std::string("[[remote_write]]\nurl = \"http://a/w?x=2\"\n"));
  REQUIRE_FALSE(options);
  CHECK(options.error().message.find(":10: remote_write[1].url: ") != std::string::npos);
}

TEST_CASE("the sample names every key") {
  const std::string all =
      Uncommented(ReadSample(HAIDANG_SOURCE_DIR "/packaging/sample/collector.toml"));
  for (const std::string section : {"", "[remote_write.basic_auth]\n", "[remote_write.tls]\n"}) {
    const std::string basic =
        section.find("basic") == std::string::npos ? "" : "user = \"u\"\npassword_file = \"p\"\n";
    for (const std::string& key : KeysAllowedBy(
             FaultOf(std::string(kUrl).append(section).append(basic).append("zzzzzzzz = 1")))) {
      INFO(section << key);
      CHECK((all.find("\n" + key + " = ") != std::string::npos ||
             all.find("\n# " + key + " = ") != std::string::npos ||
             all.find("\n[remote_write." + key + "]\n") != std::string::npos));
    }
  }
}

namespace {

// Receivers whose files are right, until a test breaks one.
struct Files {
  haidang::testing::TempDir dir;
  std::string password = dir / "password", token = dir / "token", ca = dir / "ca.crt",
              cert = dir / "own.crt", key = dir / "own.key";

  Files() {
    haidang::testing::MakeCa(dir.path());
    haidang::testing::MakeSignedCertificate(dir.path(), "own", "");
    haidang::testing::MakeSignedCertificate(dir.path(), "other", "");
    Write(password, "mật khẩu\n");
    Write(token, "t\n");
    Write(dir / "query.secret", "0123456789abcdef\n");
  }
  static void Write(const std::string& path, const std::string& text, mode_t mode = 0640) {
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
  }
  Status Load() {
    const std::string path = dir / "collector.toml";
    Write(path,
          "[collector]\ngroup = \"g\"\n[broker]\nuri = \"tcp://b:1\"\n[state]\ndirectory = \"" +
              dir.path() + "\"\n[query]\nsecret_file = \"" + (dir / "query.secret") +
              "\"\n[[remote_write]]\nurl = \"https://a/w\"\n[remote_write.basic_auth]\n"
              "user = \"u\"\npassword_file = \"" +
              password + "\"\n[remote_write.tls]\nca = \"" + ca + "\"\ncert = \"" + cert +
              "\"\nkey = \"" + key + "\"\n[[remote_write]]\nurl = \"http://127.0.0.1/w\"\n" +
              "bearer_token_file = \"" + token + "\"\n");
    const auto options = collector::LoadOptions(path);
    return options ? Status() : options.error();
  }
  void CheckRefused(const std::string& at, const std::string& words) {
    const Status loaded = Load();
    REQUIRE_FALSE(loaded);
    const std::string& fault = loaded.error().message;
    INFO(fault);
    CHECK(fault.find(at) != std::string::npos);
    CHECK(fault.find(words) != std::string::npos);
    CHECK(fault.find("; allowed: ") != std::string::npos);
  }
};

}  // namespace

TEST_CASE_METHOD(Files, "the files that receivers need are looked at") {
  SECTION("all is well") {
    const Status loaded = Load();
    INFO((loaded ? "" : loaded.error().message));
    CHECK(loaded);
  }
  SECTION("no password") {
    password = dir / "none";
    CheckRefused(":13: remote_write[0].basic_auth.password_file: ", "none");
  }
  SECTION("everybody may read it") {
    Write(password, "p", 0644);
    CheckRefused(":13: remote_write[0].basic_auth.password_file: ", "chmod 0640");
  }
  SECTION("an empty token, one of two lines, one that is too long") {
    for (const std::string& text :
         {std::string("\n"), std::string("a\nb"), std::string(20000, 'x')}) {
      Write(token, text);
      CheckRefused(":20: remote_write[1].bearer_token_file: ", "one line");
    }
  }
  SECTION("the CA is none") {
    ca = key;
    CheckRefused(":15: remote_write[0].tls.ca: ", "own.key");
  }
  SECTION("the key is another's") {
    key = dir / "other.key";
    CheckRefused(":17: remote_write[0].tls.key: ", "other.key");
  }
}
