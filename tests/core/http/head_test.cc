#include "core/io/http/head.h"

#include <catch2/catch.hpp>
#include <random>

using namespace haidang::http;

namespace {

int StatusOf(const std::string& bytes) { return JudgeHead(bytes).status; }

}  // namespace

TEST_CASE("of a whole head what we use is kept") {
  const std::string bytes =
      "GET /api/v1/overview?x=1 HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nRange: bytes=0-1,1-2\r\n"
      "Accept-Encoding: br, GZIP\r\nExpect: 100-Continue\r\nIf-None-Match:  \"7\" \r\n"
      "AUTHORIZATION: Bearer x y\r\nContent-Length: 4\r\n\r\nrest";
  const HeadVerdict verdict = JudgeHead(bytes);
  CHECK(verdict.status == 0);
  CHECK(verdict.used == bytes.size() - 4);
  const Head& head = verdict.head;
  CHECK(head.method == "GET");
  CHECK(head.target == "/api/v1/overview?x=1");
  CHECK(head.path() == "/api/v1/overview");
  CHECK(head.query() == "x=1");
  CHECK(head.keep_alive);
  CHECK(head.gzip);
  CHECK(head.expects_continue);
  CHECK(head.if_none_match == "\"7\"");
  CHECK(head.authorization == "Bearer x y");
  CHECK(head.body_bytes == 4);
  CHECK_FALSE(head.chunked);
  CHECK_FALSE(head.old);
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

TEST_CASE("connections end where the client says so or where it is old") {
  CHECK_FALSE(JudgeHead("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  CHECK(JudgeHead("GET / HTTP/1.0\r\n\r\n").head.old);
  CHECK_FALSE(JudgeHead("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").head.keep_alive);
  CHECK(JudgeHead("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").head.keep_alive);
}

TEST_CASE("a body has one length, whoever reads the head") {
  const auto with = [](const std::string& headers) {
    return StatusOf("PUT / HTTP/1.1\r\n" + headers + "\r\n");
  };
  CHECK(with("Content-Length: 3\r\nContent-Length: 3\r\n") == 0);
  CHECK(with("Content-Length: 0\r\nContent-Length: 3\r\n") == 400);
  CHECK(with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(with("Content-Length: 99999999999999999999999\r\n") == 413);
  for (const char* length : {"", "-1", "+1", "1x", "0x1", "1, 1"}) {
    INFO(length);
    CHECK(with("Content-Length: " + std::string(length) + "\r\n") == 400);
  }
  CHECK(JudgeHead("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").head.chunked);
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
  CHECK(StatusOf("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n") == 414);
  CHECK(StatusOf("GET /" + std::string(9000, 'a')) == 414);
  CHECK(StatusOf("GET / HTTP/1.1\r\nX: " + std::string(20000, 'a')) == 431);
  CHECK(StatusOf("GET / HTTP/1.1\r\nX: " + std::string(20000, 'a') + "\r\n\r\n") == 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 65; ++i) many += "x: y\r\n";
  CHECK(StatusOf(many + "\r\n") == 431);
}

TEST_CASE("any bytes get a verdict, and what is kept has no line ends") {
  std::mt19937 random(11);
  const std::string good =
      "GET /a?b=c HTTP/1.1\r\nAuthorization: a\r\nContent-Length: 12\r\nIf-None-Match: b\r\n\r\n";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (auto change = random() % 5; change > 0; --change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const HeadVerdict verdict = JudgeHead(bytes);
    CHECK(verdict.used <= bytes.size());
    const Head& head = verdict.head;
    for (const std::string& text :
         {head.method, head.target, head.authorization, head.if_none_match}) {
      CHECK(text.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
    }
  }
}
