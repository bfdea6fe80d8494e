#include "agent/probe/probe.h"

#include <httplib.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <random>

#include "tests/agent/probe_bench.h"
#include "tests/agent/raw_server.h"
#include "tests/support/loop_runner.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::RawServer;
using haidang::testing::RunUntil;
using haidang::testing::SendAll;
using haidang::testing::To;

namespace {

const CurlApi& Api() {
  static const auto api = CurlApi::Load();
  REQUIRE(api.ok());
  return **api;
}

Result<std::vector<std::string>> Loopback(const std::string&) {
  return std::vector<std::string>{"127.0.0.1"};
}

std::string Answer(const std::string& body, const std::string& status = "200 OK",
                   const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

// A probe on a real loop.
struct Bench {
  explicit Bench(ProbeOptions options, Lookup lookup = Loopback)
      : loop(MakeLoop()),
        http(Api(), *loop, clock),
        resolver(*loop, std::move(lookup)),
        probe(std::move(options), *loop, clock, http, resolver) {}

  ProbeResult Run() {
    std::optional<ProbeResult> got;
    probe.Run([&](ProbeResult result) { got = std::move(result); });
    CHECK(probe.running());
    REQUIRE(RunUntil(*loop, [&] { return got.has_value(); }));
    CHECK_FALSE(probe.running());
    return *got;
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  Http http;
  Resolver resolver;
  Probe probe;
};

// A text that a test sets and a server's thread reads.
class SharedText {
 public:
  void Set(std::string text) {
    std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  std::string Get() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace

TEST_CASE("an answer that is right") {
  SharedText asked;
  RawServer server([&](int fd, const std::string& path) {
    asked.Set(path);
    SendAll(fd, Answer("found: nguyen"));
  });
  ProbeOptions options = To(server.Url("/tra-cuu?q=nguyen"));
  options.contains = "nguyen";
  const ProbeResult result = Bench(options).Run();
  CHECK(asked.Get() == "/tra-cuu?q=nguyen");
  CHECK(result.reason == ProbeReason::kNone);
  CHECK(result.status == 200);
  CHECK(result.body_bytes == 13);
  CHECK(result.redirects == 0);
  CHECK(result.cert_expiry == 0);
  CHECK(result.times.us[kTls] == 0);
  CHECK(result.times.us[kConnect] > 0);
  CHECK(result.times.us[kProcessing] > 0);
}

TEST_CASE("each run makes its own connection") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  Bench bench(To(server.Url("/")));
  for (int run = 1; run <= 3; ++run) {
    CHECK(bench.Run().reason == ProbeReason::kNone);
    CHECK(server.connections() == run);
  }
}

TEST_CASE("a slow first byte is the server's processing") {
  RawServer server([](int fd, const std::string&) {
    std::this_thread::sleep_for(120ms);
    SendAll(fd, Answer("x"));
  });
  const ProbeResult result = Bench(To(server.Url("/"))).Run();
  CHECK(result.reason == ProbeReason::kNone);
  CHECK(result.times.us[kProcessing] >= 119000);
  CHECK(result.times.us[kProcessing] > result.times.total() / 2);
}

TEST_CASE("a slow body is transfer") {
  RawServer server([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    std::this_thread::sleep_for(120ms);
    SendAll(fd, "cd");
  });
  const ProbeResult result = Bench(To(server.Url("/"))).Run();
  CHECK(result.body_bytes == 4);
  CHECK(result.times.us[kTransfer] >= 100000);
}

TEST_CASE("no answer in time") {
  RawServer server([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  ProbeOptions options = To(server.Url("/"));
  options.timeout = 150ms;
  const ProbeResult result = Bench(options).Run();
  CHECK(result.reason == ProbeReason::kTimeout);
  CHECK(result.detail == "no answer within 150 ms, in phase processing");
  CHECK(result.times.total() >= 145000);
  CHECK(result.times.us[kProcessing] > 100000);
  CHECK(result.status == 0);
}

TEST_CASE("nobody listens") {
  int port = 0;
  {
    RawServer server([](int, const std::string&) {});
    port = server.port();
  }
  const ProbeResult result = Bench(To("http://127.0.0.1:" + std::to_string(port))).Run();
  CHECK(result.reason == ProbeReason::kRefused);
  CHECK(result.detail == "in phase connect");
}

TEST_CASE("a name without address") {
  SharedText asked;
  const auto nothing = [&](const std::string& host) -> Result<std::vector<std::string>> {
    asked.Set(host);
    return Error{"Name or service not known"};
  };
  const ProbeResult result = Bench(To("http://khong-co.example/"), nothing).Run();
  CHECK(asked.Get() == "khong-co.example");
  CHECK(result.reason == ProbeReason::kDns);
  CHECK(result.detail == "Name or service not known");
  CHECK(result.times.total() == result.times.us[kResolve]);
}

TEST_CASE("a name with addresses is connected to them") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  const std::string url = "http://mot-cua.example:" + std::to_string(server.port()) + "/";
  CHECK(Bench(To(url)).Run().reason == ProbeReason::kNone);
  const auto two = [](const std::string&) {
    return Result<std::vector<std::string>>(std::vector<std::string>{"[::1]", "127.0.0.1"});
  };
  CHECK(Bench(To(url), two).Run().reason == ProbeReason::kNone);
}

TEST_CASE("a name server that does not answer holds nothing up") {
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    int waiting = 0;
  };
  const auto gate = std::make_shared<Gate>();
  const auto stuck = [gate](const std::string&) -> Result<std::vector<std::string>> {
    std::unique_lock lock(gate->mutex);
    ++gate->waiting;
    gate->opened.wait(lock, [&] { return gate->open; });
    return Error{"late"};
  };
  ProbeOptions options = To("http://cham.example/");
  options.timeout = 100ms;
  Bench bench(options, stuck);
  for (int run = 0; run < 3; ++run) {
    const ProbeResult result = bench.Run();
    CHECK(result.reason == ProbeReason::kTimeout);
    CHECK(result.detail == "no answer within 100 ms, in phase resolve");
    CHECK(result.times.us[kResolve] >= 99000);
  }
  {
    std::lock_guard lock(gate->mutex);
    CHECK(gate->waiting == 1);  // the first look-up is still under way: no second one was begun
    gate->open = true;
  }
  gate->opened.notify_all();
  REQUIRE(RunUntil(*bench.loop, [&] { return bench.Run().reason == ProbeReason::kDns; }));
}

TEST_CASE("answers beyond their bounds are cut off") {
  RawServer server([](int fd, const std::string& path) {
    if (path == "/body") {
      SendAll(fd, "HTTP/1.1 200 OK\r\n\r\n" + std::string(2 << 20, 'x'));
    } else {
      SendAll(fd, "HTTP/1.1 200 OK\r\n");
      for (int i = 0; i < 3000; ++i) SendAll(fd, "X-Filler: " + std::string(50, 'y') + "\r\n");
    }
  });
  ProbeOptions options = To(server.Url("/body"));
  options.max_body = 100000;
  const ProbeResult body = Bench(options).Run();
  CHECK(body.reason == ProbeReason::kTooLarge);
  CHECK(body.body_bytes < 200000);
  CHECK(Bench(To(server.Url("/headers"))).Run().reason == ProbeReason::kTooLarge);
}

TEST_CASE("redirects are followed, and bounded") {
  RawServer server([](int fd, const std::string& path) {
    std::string target = "/loop";
    if (path == "/one") target = "/done";
    if (path == "/ftp") target = "ftp://127.0.0.1/";
    if (path == "/password") target = "http://user:secret@127.0.0.1/";
    if (path == "/done") return SendAll(fd, Answer("done"));
    SendAll(fd, Answer("", "302 Found", "Location: " + target + "\r\n"));
  });
  const ProbeResult followed = Bench(To(server.Url("/one"))).Run();
  CHECK(followed.reason == ProbeReason::kNone);
  CHECK(followed.redirects == 1);
  CHECK(followed.body_bytes == 4);

  const ProbeResult loop = Bench(To(server.Url("/loop"))).Run();
  CHECK(loop.reason == ProbeReason::kRedirect);
  CHECK(loop.redirects == 3);
  CHECK(loop.detail == "more than 3 redirects");

  CHECK(Bench(To(server.Url("/ftp"))).Run().reason == ProbeReason::kRedirect);
  const ProbeResult password = Bench(To(server.Url("/password"))).Run();
  CHECK(password.reason == ProbeReason::kRedirect);
  CHECK(password.detail.find("secret") == std::string::npos);

  ProbeOptions options = To(server.Url("/one"));
  options.max_redirects = 0;
  options.status = {302};
  CHECK(Bench(options).Run().reason == ProbeReason::kNone);
}

TEST_CASE("status and content are judged") {
  RawServer server([](int fd, const std::string& path) {
    if (path == "/error") return SendAll(fd, Answer("sorry", "503 Service Unavailable"));
    // The text looked for comes in two pieces.
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nso-ket");
    std::this_thread::sleep_for(20ms);
    SendAll(fd, "-qua: 1234");
  });
  const ProbeResult error = Bench(To(server.Url("/error"))).Run();
  CHECK(error.reason == ProbeReason::kStatus);
  CHECK(error.detail == "HTTP status 503");
  CHECK(error.status == 503);
  CHECK(error.body_bytes == 5);

  ProbeOptions options = To(server.Url("/"));
  options.contains = "so-ket-qua";
  CHECK(Bench(options).Run().reason == ProbeReason::kNone);
  options.contains = "khong-co";
  CHECK(Bench(options).Run().reason == ProbeReason::kContent);
}

TEST_CASE("what is not HTTP, or ends too soon") {
  SharedText answer;
  RawServer server([&](int fd, const std::string&) { SendAll(fd, answer.Get()); });
  const auto reason = [&](const std::string& sent) {
    answer.Set(sent);
    return Bench(To(server.Url("/"))).Run().reason;
  };
  CHECK(reason("garbage\r\n\r\n") == ProbeReason::kProtocol);
  CHECK(reason(std::string(1000, '\0')) == ProbeReason::kProtocol);
  CHECK(reason("") == ProbeReason::kClosed);
  CHECK(reason("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") == ProbeReason::kClosed);
}

TEST_CASE("random answers end in a known reason, with phases that sum to the total") {
  std::mt19937 random(7);
  SharedText answer;
  RawServer server([&](int fd, const std::string&) { SendAll(fd, answer.Get()); });
  const std::string good = Answer("hello", "200 OK", "Transfer-Encoding: chunked\r\nX: y\r\n");
  for (int round = 0; round < 150; ++round) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (int change = 0; change < 3 && !bytes.empty(); ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    answer.Set(bytes);
    ProbeOptions options = To(server.Url("/"));
    options.timeout = 2s;
    const ProbeResult result = Bench(options).Run();
    INFO(result.detail);
    CHECK(result.reason != ProbeReason::kInternal);
    int64_t sum = 0;
    for (const int64_t us : result.times.us) {
      CHECK(us >= 0);
      sum += us;
    }
    CHECK(sum == result.times.total());
  }
}

TEST_CASE("TLS: certificates are checked, and their end is told") {
  const haidang::testing::TempDir dir;
  const auto make = [&](const std::string& name, const std::string& days) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days " + days +
        " -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
        dir / (name + ".key") + " -out " + dir / (name + ".pem") + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
  };
  make("own", "40");
  make("other", "40");
  httplib::SSLServer server((dir / "own.pem").c_str(), (dir / "own.key").c_str());
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("hello", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  REQUIRE(port > 0);
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();

  const auto run = [&](const std::string& host, const std::string& ca) {
    ProbeOptions options = To("https://" + host + ":" + std::to_string(port) + "/");
    options.ca_file = ca;
    return Bench(options).Run();
  };
  const ProbeResult right = run("localhost", dir / "own.pem");
  const ProbeResult wrong_ca = run("localhost", dir / "other.pem");
  const ProbeResult wrong_name = run("mot-cua.example", dir / "own.pem");
  const ProbeResult no_ca = run("localhost", dir / "absent.pem");
  server.stop();
  thread.join();

  CHECK(right.reason == ProbeReason::kNone);
  CHECK(right.times.us[kTls] > 0);
  const int64_t now = SystemClock().WallMs() / 1000;
  CHECK(right.cert_expiry > now + 39 * 86400);
  CHECK(right.cert_expiry < now + 41 * 86400);
  CHECK(wrong_ca.reason == ProbeReason::kTls);
  CHECK(wrong_ca.detail == "in phase tls");
  CHECK(wrong_name.reason == ProbeReason::kTls);
  CHECK(no_ca.reason == ProbeReason::kInternal);
}

TEST_CASE("a server that takes the connection but never shakes hands") {
  RawServer server([](int, const std::string&) {});
  // The request is not one that RawServer can read: it waits for more until the client gives up.
  ProbeOptions options = To("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  options.timeout = 150ms;
  const ProbeResult result = Bench(options).Run();
  CHECK(result.reason == ProbeReason::kTimeout);
  CHECK(result.detail == "no answer within 150 ms, in phase tls");
  CHECK(result.times.us[kTls] > 100000);
}

TEST_CASE("a TLS probe of a server without TLS") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  const ProbeResult result =
      Bench(To("https://127.0.0.1:" + std::to_string(server.port()) + "/")).Run();
  CHECK((result.reason == ProbeReason::kTls || result.reason == ProbeReason::kClosed ||
         result.reason == ProbeReason::kTimeout));
}

TEST_CASE("a run that is given up leaves nothing behind") {
  RawServer server([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  const auto bench = std::make_unique<Bench>(To(server.Url("/")));
  bench->probe.Run([](ProbeResult) { FAIL("must not be called"); });
  haidang::testing::RunUntil(*bench->loop, [&] { return server.connections() > 0; });
}
