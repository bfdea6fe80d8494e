#include "core/io/http/front.h"

#include <catch2/catch.hpp>
#include <list>

#include "core/io/http/http_server.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace haidang::http;
using testing::RawClient;
using namespace std::chrono_literals;

namespace {

const std::string kAsk = "GET /good HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr size_t kLarge = 32U << 20;  // more than sockets hold

// A server with an answer that is small, one that is large, one that waits, and one that takes a
// body from who knows the word.
struct Fixture {
  Router router;
  std::unique_ptr<HttpServer> server;
  std::atomic<size_t> connections{0};

  void Serve(FrontOptions options) {
    router.Add("/good", [](const Request&) {
      Reply reply;
      reply.body = "good";
      return reply;
    });
    router.Add("/urgent", {[](const Request&) { return Reply{}; }, {}, true});
    router.Add("/large", [](const Request&) {
      Reply reply;
      reply.body = std::string(kLarge, 'x');
      return reply;
    });
    router.Add("/throws", [](const Request&) -> Reply { throw std::runtime_error("broken"); });
    router.Add("/body", {[](const Request&) { return Reply{}; },
                         [](const Request& request) {
                           Reply reply;
                           reply.body = std::to_string(request.body.size());
                           return reply;
                         },
                         false});
    options.listen = {"127.0.0.1", 0};
    ServerHooks hooks;
    hooks.guard = [](const Head& head) -> std::optional<Reply> {
      if (head.method != "PUT" || head.authorization == "word") return std::nullopt;
      return ErrorReply(401, "unauthorized", "say the word");
    };
    hooks.connections = [this](size_t count) { connections = count; };
    auto listening = HttpServer::Listen(options, router, std::move(hooks));
    REQUIRE(listening);
    server = std::move(*listening);
    server->Start();
  }

  // The answer to one question of a well-behaved client, and how long it took.
  std::pair<std::string, std::chrono::milliseconds> Ask(const std::string& path = "/good") {
    const auto began = std::chrono::steady_clock::now();
    RawClient client(server->port());
    client.Send("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    const std::string answer = client.ReadAll();
    return {answer, std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - began)};
  }
  std::string Put(const std::string& headers, const std::string& body) {
    RawClient client(server->port());
    client.Send("PUT /body HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n" + body);
    return client.ReadAll();
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "silent and slow clients keep nobody waiting, and end at the deadline") {
  FrontOptions options;
  options.max_connections = 512;
  options.max_threads = 3;
  options.reserved_threads = 1;
  options.head_patience = 1s;
  Serve(options);
  std::list<RawClient> silent, slow;
  for (int i = 0; i < 200; ++i) {
    silent.emplace_back(server->port());
    slow.emplace_back(server->port());
    slow.back().Send("GET /good HTTP/1.1\r\nX: ");
  }
  for (int i = 0; i < 20; ++i) {
    const auto [answer, took] = Ask();
    CHECK(answer.ends_with("\r\n\r\ngood"));
    CHECK(took < 1s);
    for (RawClient& client : slow) client.Send("x");  // a drop at a time
  }
  for (RawClient& client : slow) CHECK(client.ReadAll().starts_with("HTTP/1.1 408"));
  for (RawClient& client : silent) CHECK(client.ReadAll().empty());
}

TEST_CASE_METHOD(Fixture, "readers that take nothing lose their thread to who waits for it") {
  FrontOptions options;
  options.max_threads = 3;
  options.reserved_threads = 1;
  options.answer_patience = {.piece = 60s, .answer = 60s};
  options.stuck_patience = 100ms;
  Serve(options);
  std::list<RawClient> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.emplace_back(server->port());
    greedy.back().Send("GET /large HTTP/1.1\r\n\r\n");
  }
  CHECK(Ask("/urgent").second < 1s);
  CHECK(Ask().first.ends_with("good"));  // waits for all six, a few ticks each
}

TEST_CASE_METHOD(Fixture, "a slow reader is left alone while nobody needs its thread") {
  FrontOptions options;
  options.max_threads = 2;
  options.reserved_threads = 1;
  options.stuck_patience = 1ms;
  Serve(options);
  RawClient slow(server->port());
  slow.Send("GET /large HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(slow.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200"));
  std::this_thread::sleep_for(700ms);  // several looks at who is stuck
  CHECK(slow.ReadAll().size() > kLarge - 65536);
}

TEST_CASE_METHOD(Fixture, "beyond the limit the one that waits longest makes room") {
  FrontOptions options;
  options.head_patience = 60s;
  SECTION("of all") { options.max_connections = 8; }
  SECTION("of one address") { options.max_connections_of_peer = 8; }
  Serve(options);
  std::list<RawClient> waiting;
  for (int i = 0; i < 100; ++i) waiting.emplace_back(server->port());
  CHECK(Ask().first.ends_with("good"));
  CHECK(waiting.front().ReadAll().empty());
  CHECK(connections <= 8);
}

TEST_CASE_METHOD(Fixture, "a connection serves so many requests and no more") {
  FrontOptions options;
  options.max_requests = 3;
  Serve(options);
  RawClient client(server->port());
  for (int i = 0; i < 5; ++i) client.Send(kAsk);
  const std::string all = client.ReadAll();
  size_t answers = 0;
  for (size_t at = all.find("good"); at != std::string::npos; at = all.find("good", at + 1)) {
    ++answers;
  }
  CHECK(answers == 3);
  CHECK(all.find("Connection: close") > all.rfind("HTTP/1.1"));
}

TEST_CASE_METHOD(Fixture, "a body is read from who may send one, within its size and time") {
  FrontOptions options;
  options.max_body_bytes = 100000;
  options.body_patience = 300ms;
  Serve(options);
  const std::string known = "Authorization: word\r\n";
  CHECK(Put(known + "Content-Length: 100000\r\n", std::string(100000, 'b')).ends_with("100000"));
  CHECK(Put(known + "Content-Length: 0\r\n", "").ends_with("\r\n\r\n0"));
  CHECK(Put(known, "").ends_with("\r\n\r\n0"));
  CHECK(Put(known + "Content-Length: 100001\r\n", "").starts_with("HTTP/1.1 413"));
  CHECK(Put(known + "Transfer-Encoding: chunked\r\n", "").starts_with("HTTP/1.1 411"));
  CHECK(Put(known + "Content-Length: 5\r\n", "abc").starts_with("HTTP/1.1 408"));
  CHECK(Put("Content-Length: 5\r\n", "abcde").starts_with("HTTP/1.1 401"));
  CHECK(Put("Content-Length: 99999999999\r\n", "").starts_with("HTTP/1.1 401"));
  const std::string waited = Put(known + "Expect: 100-continue\r\nContent-Length: 3\r\n", "abc");
  CHECK(waited.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  RawClient twice(server->port());
  twice.Send("PUT /body HTTP/1.1\r\n" + known + "Content-Length: 3\r\n\r\nab");
  twice.Send("cPUT /body HTTP/1.1\r\nConnection: close\r\n" + known + "Content-Length: 1\r\n\r\nx");
  const std::string both = twice.ReadAll();
  CHECK(both.find("\r\n\r\n3HTTP/1.1") != std::string::npos);
  CHECK(both.ends_with("\r\n\r\n1"));
}

TEST_CASE_METHOD(Fixture, "a question that breaks its handler is answered, and the next one too") {
  Serve({});
  CHECK(Ask("/throws").first.starts_with("HTTP/1.1 500"));
  CHECK(Ask().first.ends_with("good"));
}

TEST_CASE_METHOD(Fixture, "stopping cuts off who waits, who asks and who reads slowly") {
  FrontOptions options;
  options.max_threads = 2;
  options.reserved_threads = 1;
  options.answer_patience = {.piece = 60s, .answer = 60s};
  Serve(options);
  RawClient idle(server->port()), greedy(server->port()), queued(server->port());
  greedy.Send("GET /large HTTP/1.1\r\n\r\n");
  CHECK(greedy.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200"));
  queued.Send("GET /large HTTP/1.1\r\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  server->Stop();
  CHECK(std::chrono::steady_clock::now() - began < 1s);
  CHECK(idle.ReadAll().empty());
}
