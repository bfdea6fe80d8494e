#include "server/http/head.h"

#include <catch2/catch.hpp>
#include <random>

using namespace haidang::server;

namespace {

int StatusOf(const std::string& bytes) { return JudgeHead(bytes).status; }

}  // namespace

TEST_CASE("a whole head is passed on without what we do not use") {
  const std::string bytes =
      "GET /api/v1/overview?x=1 HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nRange: bytes=0-1,1-2\r\n"
      "Accept-Encoding: br, gzip\r\nExpect: 100-continue\r\nLast-Event-ID:  7 \r\n\r\nrest";
  const HeadVerdict verdict = JudgeHead(bytes);
  CHECK(verdict.status == 0);
  CHECK(verdict.used == bytes.size() - 4);
  CHECK(verdict.keep_alive);
  CHECK(verdict.head ==
        "GET /api/v1/overview?x=1 HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n"
        "last-event-id: 7\r\n\r\n");
}

TEST_CASE("a head that is not whole waits for more, whatever the cut") {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t length = 0; length < bytes.size(); ++length) {
    const HeadVerdict verdict = JudgeHead(bytes.substr(0, length));
    CHECK(verdict.status == 0);
    CHECK(verdict.used == 0);
  }
  CHECK(JudgeHead("GET / HTTP/1.1\r\n\r\n").used == 18);
}

TEST_CASE("connections end where the client says so, where it is old, or where it sends a body") {
  CHECK_FALSE(JudgeHead("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK_FALSE(JudgeHead("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").keep_alive);
  CHECK_FALSE(JudgeHead("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").keep_alive);
  CHECK_FALSE(JudgeHead("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
  CHECK(JudgeHead("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST_CASE("malformed heads are refused") {
  CHECK(StatusOf("GET\r\n\r\n") == 400);
  CHECK(StatusOf("GET /\r\n\r\n") == 400);
  CHECK(StatusOf("GET  HTTP/1.1\r\n\r\n") == 400);
  CHECK(StatusOf("GET / x HTTP/1.1\r\n\r\n") == 400);
  CHECK(StatusOf("GET http://x/ HTTP/1.1\r\n\r\n") == 400);
  CHECK(StatusOf("G(T / HTTP/1.1\r\n\r\n") == 400);
  CHECK(StatusOf("GET / HTTP/2.0\r\n\r\n") == 505);
  CHECK(StatusOf("GET / FTP/1.1\r\n\r\n") == 400);
  CHECK(StatusOf(std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)) == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\nHost a\r\n\r\n") == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\n: a\r\n\r\n") == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n") == 400);
  CHECK(StatusOf("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n") == 400);
  CHECK(StatusOf("\r\n\r\n") == 400);
}

TEST_CASE("sizes are bounded, also before the head is whole") {
  CHECK(StatusOf("GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n\r\n") == 414);
  CHECK(StatusOf("GET /" + std::string(3000, 'a')) == 414);
  CHECK(StatusOf("GET / HTTP/1.1\r\nX: " + std::string(20000, 'a')) == 431);
  CHECK(StatusOf("GET / HTTP/1.1\r\nX: " + std::string(20000, 'a') + "\r\n\r\n") == 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 65; ++i) many += "x: y\r\n";
  CHECK(StatusOf(many + "\r\n") == 431);
}

TEST_CASE("any bytes get a verdict, and what is passed on has no bare line ends") {
  std::mt19937 random(11);
  const std::string good = "GET /a?b=c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (auto change = random() % 5; change > 0; --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const HeadVerdict verdict = JudgeHead(bytes);
    CHECK(verdict.used <= bytes.size());
    for (size_t i = 0; i < verdict.head.size(); ++i) {
      if (verdict.head[i] == '\n') CHECK((i > 0 && verdict.head[i - 1] == '\r'));
    }
  }
}
