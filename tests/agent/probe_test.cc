#include "agent/probe/probe.h"

#include <httplib.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <random>

#include "tests/agent/probe_bench.h"
#include "tests/agent/probe_run.h"
#include "tests/agent/raw_server.h"
#include "tests/support/loop_runner.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::agent::testing::Answer;
using haidang::agent::testing::Api;
using haidang::agent::testing::ProbeBench;
using haidang::testing::RawServer;
using haidang::testing::RunUntil;
using haidang::testing::SendAll;
using haidang::testing::To;

namespace {

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
  options.contains = {"nguyen"};
  const ProbeResult result = ProbeBench(options).Run();
  CHECK(asked.Get() == "/tra-cuu?q=nguyen");
  CHECK(result.reason == ProbeReason::kNone);
  CHECK(result.status == 200);
  CHECK(result.body_bytes == 13);
  CHECK(result.hops_us.size() == 0);
  CHECK(result.cert_expiry == 0);
  CHECK(result.times.us[kTls] == 0);
  CHECK(result.times.us[kConnect] > 0);
  CHECK(result.times.us[kProcessing] > 0);
}

TEST_CASE("each run makes its own connection") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  ProbeBench bench(To(server.Url("/")));
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
  const ProbeResult result = ProbeBench(To(server.Url("/"))).Run();
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
  const ProbeResult result = ProbeBench(To(server.Url("/"))).Run();
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
  const ProbeResult result = ProbeBench(options).Run();
  CHECK(result.reason == ProbeReason::kTimeout);
  CHECK(result.detail == "no answer within 0.15 s");
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
  const ProbeResult result = ProbeBench(To("http://127.0.0.1:" + std::to_string(port))).Run();
  CHECK(result.reason == ProbeReason::kRefused);
  CHECK(result.detail == "connection refused: nobody listens at this address and port");
}

TEST_CASE("a name without address") {
  SharedText asked;
  const auto nothing = [&](const std::string& host) -> Result<std::vector<std::string>> {
    asked.Set(host);
    return Error{"Name or service not known"};
  };
  const ProbeResult result = ProbeBench(To("http://khong-co.example/"), nothing).Run();
  CHECK(asked.Get() == "khong-co.example");
  CHECK(result.reason == ProbeReason::kDns);
  CHECK(result.detail == "name not found: Name or service not known");
  CHECK(result.times.total() == result.times.us[kResolve]);
}

TEST_CASE("a name with addresses is connected to them") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  const std::string url = "http://mot-cua.example:" + std::to_string(server.port()) + "/";
  CHECK(ProbeBench(To(url)).Run().reason == ProbeReason::kNone);
  const auto two = [](const std::string&) {
    return Result<std::vector<std::string>>(std::vector<std::string>{"[::1]", "127.0.0.1"});
  };
  CHECK(ProbeBench(To(url), two).Run().reason == ProbeReason::kNone);
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
  ProbeBench bench(options, stuck);
  for (int run = 0; run < 3; ++run) {
    const ProbeResult result = bench.Run();
    CHECK(result.reason == ProbeReason::kDnsTimeout);
    CHECK(result.detail == "no answer from the name server within 0.1 s");
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
  const ProbeResult body = ProbeBench(options).Run();
  CHECK(body.reason == ProbeReason::kTooLarge);
  CHECK(body.body_bytes < 200000);
  CHECK(ProbeBench(To(server.Url("/headers"))).Run().reason == ProbeReason::kTooLarge);
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
  const ProbeResult followed = ProbeBench(To(server.Url("/one"))).Run();
  CHECK(followed.reason == ProbeReason::kNone);
  CHECK(followed.hops_us.size() == 1);
  CHECK(followed.body_bytes == 4);

  const ProbeResult loop = ProbeBench(To(server.Url("/loop"))).Run();
  CHECK(loop.reason == ProbeReason::kRedirect);
  CHECK(loop.hops_us.size() == 3);
  CHECK(loop.detail == "more than 3 redirects");

  CHECK(ProbeBench(To(server.Url("/ftp"))).Run().reason == ProbeReason::kRedirect);
  const ProbeResult password = ProbeBench(To(server.Url("/password"))).Run();
  CHECK(password.reason == ProbeReason::kRedirect);
  CHECK(password.detail.find("secret") == std::string::npos);

  ProbeOptions options = To(server.Url("/one"));
  options.max_redirects = 0;
  options.status = {302};
  CHECK(ProbeBench(options).Run().reason == ProbeReason::kNone);
}

TEST_CASE("status and content are judged") {
  RawServer server([](int fd, const std::string& path) {
    if (path == "/error") return SendAll(fd, Answer("sorry", "503 Service Unavailable"));
    // The text looked for comes in two pieces.
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nso-ket");
    std::this_thread::sleep_for(20ms);
    SendAll(fd, "-qua: 1234");
  });
  const ProbeResult error = ProbeBench(To(server.Url("/error"))).Run();
  CHECK(error.reason == ProbeReason::kStatus);
  CHECK(error.detail == "HTTP status 503");
  CHECK(error.status == 503);
  CHECK(error.body_bytes == 5);

  ProbeOptions options = To(server.Url("/"));
  options.contains = {"so-ket-qua"};
  CHECK(ProbeBench(options).Run().reason == ProbeReason::kNone);
  options.contains = {"khong-co"};
  CHECK(ProbeBench(options).Run().reason == ProbeReason::kContent);
}

TEST_CASE("what is not HTTP, or ends too soon") {
  SharedText answer;
  RawServer server([&](int fd, const std::string&) { SendAll(fd, answer.Get()); });
  const auto run = [&](const std::string& sent) {
    answer.Set(sent);
    return ProbeBench(To(server.Url("/"))).Run();
  };
  const auto reason = [&](const std::string& sent) { return run(sent).reason; };
  CHECK(reason("garbage\r\n\r\n") == ProbeReason::kProtocol);
  CHECK(reason(std::string(1000, '\0')) == ProbeReason::kProtocol);
  CHECK(reason("") == ProbeReason::kClosed);
  CHECK(reason("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") == ProbeReason::kClosed);
  CHECK(run("").detail == "connection closed before an answer");
  CHECK(run("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").detail ==
        "connection closed in the middle of the answer");
  CHECK(run("garbage\r\n\r\n").detail == "the answer is not HTTP");
}

TEST_CASE("what is wrong with a certificate, or on the way to a server, has a word of its own") {
  HttpAnswer answer;
  answer.code = CURLE_PEER_FAILED_VERIFICATION;
  answer.verified = X509_V_ERR_CERT_HAS_EXPIRED;
  CHECK(ToString(ReasonOf(answer, true)) == "tls_expired");
  answer.verified = X509_V_ERR_CERT_NOT_YET_VALID;
  CHECK(ToString(ReasonOf(answer, true)) == "tls_expired");
  answer.verified = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
  CHECK(ToString(ReasonOf(answer, true)) == "tls_untrusted");
  answer.verified = X509_V_OK;
  CHECK(ToString(ReasonOf(answer, true)) == "tls_name");
  answer.code = CURLE_SSL_CONNECT_ERROR;
  CHECK(ToString(ReasonOf(answer, true)) == "tls");
  answer.code = CURLE_OPERATION_TIMEDOUT;
  answer.marks.resolved = 1;
  CHECK(ToString(ReasonOf(answer, true)) == "connect_timeout");
  answer.marks.connected = 2;
  CHECK(ToString(ReasonOf(answer, true)) == "tls_timeout");
  CHECK(ToString(ReasonOf(answer, false)) == "timeout");
  answer.marks.tls_done = 3;
  CHECK(ToString(ReasonOf(answer, true)) == "timeout");
  answer.marks.first_byte = 4;
  CHECK(ToString(ReasonOf(answer, true)) == "transfer_timeout");
  answer.marks = {};
  CHECK(ToString(ReasonOf(answer, true)) == "dns_timeout");
  answer.code = CURLE_COULDNT_CONNECT;
  answer.os_error = EHOSTUNREACH;
  CHECK(ToString(ReasonOf(answer, true)) == "unreachable");
  answer.os_error = ETIMEDOUT;
  CHECK(ToString(ReasonOf(answer, true)) == "connect_timeout");
}

TEST_CASE("a port that takes no more connections, and one that does not speak TLS") {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener, any, size) == 0);
  REQUIRE(listen(listener, 0) == 0);
  REQUIRE(getsockname(listener, any, &size) == 0);
  std::vector<int> waiting;  // fill its queue: what comes then is not answered
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)connect(waiting.back(), any, size);
  }
  ProbeOptions options = To("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  options.timeout = 150ms;
  const ProbeResult result = ProbeBench(options).Run();
  CHECK(ToString(result.reason) == "connect_timeout");
  CHECK(result.detail == "no connection within 0.15 s");
  for (const int fd : waiting) close(fd);
  close(listener);

  address.sin_port = 0;
  const int mail = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(mail, any, size) == 0);
  REQUIRE(listen(mail, 1) == 0);
  REQUIRE(getsockname(mail, any, &size) == 0);
  std::thread greeting([&] {
    const int peer = accept(mail, nullptr, nullptr);
    SendAll(peer, "220 mail.example ESMTP\r\n");
    char hello[4096];
    while (recv(peer, hello, sizeof hello, 0) > 0) {
    }
    close(peer);
  });
  const std::string port = std::to_string(ntohs(address.sin_port));
  const ProbeResult no_tls = ProbeBench(To("https://127.0.0.1:" + port + "/")).Run();
  greeting.join();
  close(mail);
  CHECK(ToString(no_tls.reason) == "tls");
  CHECK(no_tls.detail == "TLS failed: no common protocol, or the other side refused");
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
    const ProbeResult result = ProbeBench(options).Run();
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

TEST_CASE("a server that takes the connection but never shakes hands") {
  RawServer server([](int, const std::string&) {});
  // The request is not one that RawServer can read: it waits for more until the client gives up.
  ProbeOptions options = To("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  options.timeout = 150ms;
  const ProbeResult result = ProbeBench(options).Run();
  CHECK(result.reason == ProbeReason::kTlsTimeout);
  CHECK(result.detail == "no end of the TLS handshake within 0.15 s");
  CHECK(result.times.us[kTls] > 100000);
}

TEST_CASE("a TLS probe of a server without TLS") {
  RawServer server([](int fd, const std::string&) { SendAll(fd, Answer("")); });
  const ProbeResult result =
      ProbeBench(To("https://127.0.0.1:" + std::to_string(server.port()) + "/")).Run();
  CHECK((result.reason == ProbeReason::kTls || result.reason == ProbeReason::kClosed ||
         result.reason == ProbeReason::kTlsTimeout));
}

TEST_CASE("a run that is given up leaves nothing behind") {
  RawServer server([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  const auto bench = std::make_unique<ProbeBench>(To(server.Url("/")));
  bench->probe.Run([](ProbeResult) { FAIL("must not be called"); });
  haidang::testing::RunUntil(*bench->loop, [&] { return server.connections() > 0; });
}
