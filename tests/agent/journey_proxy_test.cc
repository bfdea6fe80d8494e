#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/agent/connect_proxy.h"
#include "tests/agent/test_certificate.h"
#include "tests/agent/tls_server.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;
using haidang::agent::testing::Answer;

namespace {

Result<std::vector<std::string>> Nowhere(const std::string&) { return Error{"no such name"}; }

std::string ProxyAt(int port) {
  return "proxy = \"http://127.0.0.1:" + std::to_string(port) + "\"\n";
}

// A server of HTTPS, and journeys of one step to it.
struct Place {
  JourneyOptions To(const std::string& keys, const std::string& url, const std::string& more = "") {
    return Journey("ca = \"" + (dir / "own.pem") + "\"\n" + keys, {Step("a", url, more)});
  }
  ProbeResult Run(const std::string& keys, const std::string& more = "", Lookup lookup = Nowhere) {
    return WalkBench(To(keys, server.Url(), more), std::move(lookup)).Walk().back();
  }

  static std::string Certified(const TempDir& dir) {
    MakeCertificate(dir / "own", 0, 86400);
    return dir / "own";
  }

  TempDir dir;
  TlsServer server{Certified(dir)};
};

}  // namespace

TEST_CASE("HTTPS through a proxy: it is asked to connect, and hears nothing else") {
  Place place;
  ConnectProxy proxy;
  const ProbeResult result =
      place.Run(proxy.Key(), "headers = { Authorization = \"Bearer the-bi-mat\" }");
  CHECK(ToString(result.reason).empty());
  CHECK(result.status == 200);
  CHECK(result.address == "127.0.0.1");
  CHECK(result.cert_expiry > 0);
  const std::string server = "localhost:" + std::to_string(place.server.port());
  CHECK(proxy.asked.last().starts_with("CONNECT " + server + " HTTP/1.1\r\n"));
  CHECK_FALSE(proxy.asked.LastHolds("Authorization"));
  CHECK_FALSE(proxy.asked.LastHolds("bi-mat"));

  const std::string take = "take = [ { name = \"t\", header = \"X-Of\" } ]";
  const ProbeResult taken = place.Run(proxy.Key(), take);
  CHECK(ToString(taken.reason) == "content");  // it is the proxy's header, not the server's

  const ProbeResult named =
      WalkBench(
          place.To(proxy.Key(), "https://motcua.example:" + std::to_string(place.server.port())))
          .Walk()
          .back();
  CHECK(ToString(named.reason) == "tls_name");
}

TEST_CASE("HTTPS through a proxy: what it takes to connect is connecting") {
  Place place;
  ConnectProxy proxy(200ms);
  SystemClock clock;
  const int64_t begun_ns = clock.MonotonicNs();
  const ProbeResult result = place.Run(proxy.Key());
  const int64_t wall_us = (clock.MonotonicNs() - begun_ns) / 1000;
  CHECK(ToString(result.reason).empty());
  CHECK(result.times.us[kConnect] >= 200'000);
  CHECK(result.times.us[kTls] > 0);
  CHECK(result.times.us[kProcessing] > 0);
  CHECK(wall_us - result.times.us[kConnect] > result.times.us[kTls]);
  int64_t sum = 0;
  for (const int64_t us : result.times.us) sum += us;
  CHECK(sum == result.times.total());
  CHECK(sum <= wall_us);
}

TEST_CASE("HTTPS through a proxy: the environment takes no host out") {
  Place place;
  ConnectProxy proxy;
  setenv("no_proxy", "*", 1);
  const ProbeResult result = place.Run(proxy.Key());
  unsetenv("no_proxy");
  CHECK(ToString(result.reason).empty());
  CHECK(proxy.asked.LastHolds("CONNECT "));
}

TEST_CASE("HTTPS through a proxy: one that does not connect is a status, its own") {
  Place place;
  for (const auto& [line, status, detail] : {
           std::tuple("403 Forbidden", 403, "HTTP status 403"),
           std::tuple("407 Proxy Authentication Required", 407,
                      "HTTP status 407, it asks for a password"),
           std::tuple("502 Bad Gateway", 502, "HTTP status 502"),
           std::tuple("302 Found", 302, "HTTP status 302"),
       }) {
    for (const bool hangs : {false, true}) {
      INFO(line << hangs);
      RawServer proxy([&, status_line = std::string(line)](int fd, const std::string&) {
        SendAll(fd, "HTTP/1.1 " + status_line +
                        "\r\nProxy-Authenticate: Basic realm=\"r\"\r\nLocation: http://127.0.0.1/"
                        "\r\nContent-Length: " +
                        (hangs ? "400" : "4") + "\r\n\r\nbody");
        char byte;
        while (hangs && recv(fd, &byte, 1, 0) > 0) {
        }
      });
      // Whatever the step expects of its server.
      const ProbeResult result =
          place.Run(ProxyAt(proxy.port()), "status = [200, 403, 407]\ntimeout = \"2s\"");
      CHECK(ToString(result.reason) == "status");
      CHECK(result.status == status);
      CHECK(result.detail == std::string("proxy: did not connect to the server: ") + detail);
      CHECK(result.requests == 1);
      CHECK(result.times.us[kTls] == 0);
      CHECK(result.times.us[kConnect] > 0);
    }
  }
}

TEST_CASE("HTTPS through a proxy: one that cannot be asked, or does not answer") {
  Place place;
  const auto says = [&](const ProbeResult& result) {
    return std::string(ToString(result.reason)) + ", " + result.detail;
  };
  CHECK(says(place.Run(ProxyAt(1))) ==
        "refused, proxy: connection refused: nobody listens at this address and port");
  CHECK(says(place.Run("proxy = \"http://proxy.example:3128\"\n")) ==
        "dns, proxy: name not found: no such name");
  CHECK(says(place.Run("proxy = \"http://proxy.example:3128\"\nip = \"6\"\n", "",
                       haidang::agent::testing::Loopback)) ==
        "dns, proxy: the name has no IPv6 address");
  RawServer closes([](int, const std::string&) {});
  CHECK(says(place.Run(ProxyAt(closes.port()))) ==
        "closed, proxy: connection closed before an answer");
  RawServer silent([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  CHECK(says(place.Run(ProxyAt(silent.port()), "timeout = \"300ms\"")) ==
        "connect_timeout, proxy: no connection within 0.3 s");
  // Behind a connection it is the server's fault.
  RawServer mute([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\n\r\n");
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  CHECK(says(place.Run(ProxyAt(mute.port()), "timeout = \"300ms\"")) ==
        "tls_timeout, no end of the TLS handshake within 0.3 s");
}

TEST_CASE("HTTPS through a proxy: an answer of it without end is given up early") {
  Place place;
  RawServer proxy([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\n");
    const std::string line = "X-Filler: " + std::string(50, 'y') + "\r\n";
    for (int i = 0; i < 1'700'000; ++i) {
      if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) <= 0) return;
    }
  });
  const ProbeResult result = place.Run(ProxyAt(proxy.port()));
  CHECK(ToString(result.reason) == "too_large");
  CHECK(result.times.total() < 3'000'000);
}

TEST_CASE("HTTP through a proxy: its answer is the answer") {
  PageServer proxy([](const std::string&) { return Answer("no", "407 Proxy Authentication"); });
  const ProbeResult result =
      WalkBench(Journey(ProxyAt(proxy.port()), {Step("a", "http://motcua.example/")}), Nowhere)
          .Walk()
          .back();
  CHECK(ToString(result.reason) == "status");
  CHECK(result.status == 407);
  CHECK(result.detail == "HTTP status 407");
}
