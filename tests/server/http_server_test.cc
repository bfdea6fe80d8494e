#include <catch2/catch.hpp>
#include <list>
#include <thread>

#include "tests/server/server_under_test.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace haidang::server;
using testing::RawClient;
using testing::ServerUnderTest;
using namespace std::chrono_literals;

namespace {

const std::string kAlive = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("every answer carries the security headers") {
  ServerUnderTest server;
  for (const char* path : {"/", "/api/v1/overview", "/nothing", "/metrics"}) {
    const auto answer = server.Get(path);
    REQUIRE(answer);
    INFO(path);
    const std::string policy = answer->get_header_value("Content-Security-Policy");
    CHECK(policy.find("default-src 'none'") != std::string::npos);
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(answer->get_header_value("X-Content-Type-Options") == "nosniff");
    CHECK(answer->get_header_value("Referrer-Policy") == "no-referrer");
    CHECK_FALSE(answer->get_header_value("Cache-Control").empty());
  }
}

TEST_CASE("HEAD is GET without the body") {
  ServerUnderTest server;
  server.Round();
  for (const char* path : {"/", "/api/v1/sites", "/api/v1/stream", "/nothing"}) {
    RawClient client(server.port());
    client.Send(std::string("HEAD ") + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    const std::string answer = client.ReadAll();
    INFO(answer);
    CHECK(answer.starts_with("HTTP/1.1 "));
    CHECK(answer.ends_with("\r\n\r\n"));
    CHECK(answer.find("\r\n\r\n") == answer.size() - 4);
  }
}

TEST_CASE("a connection serves many requests, also when they come at once") {
  ServerUnderTest server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.Send(kAlive);
    CHECK(client.ReadUntil("\"alive\"}").starts_with("HTTP/1.1 200"));
  }
  client.Send(kAlive + kAlive + "GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string all = client.ReadAll();
  CHECK(all.find("HTTP/1.1 404") > all.rfind("HTTP/1.1 200"));
  CHECK(all.find("HTTP/1.1 200") != all.rfind("HTTP/1.1 200"));
}

TEST_CASE("other methods get 405 with or without a body, and the connection ends politely") {
  ServerUnderTest server;
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    RawClient client(server.port());
    client.Send(method + " /healthz HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" +
                std::string(50000, 'x'));
    const std::string answer = client.ReadAll();
    INFO(method);
    CHECK(answer.starts_with("HTTP/1.1 405"));
    CHECK(answer.find("Allow: GET, HEAD") != std::string::npos);
  }
  CHECK(server.Get("/healthz")->status == 200);
}

TEST_CASE("malformed and oversized requests are refused, and hurt nobody") {
  ServerUnderTest server;
  const auto refusal = [&](const std::string& bytes) {
    RawClient client(server.port());
    client.Send(bytes);
    return client.ReadAll().substr(9, 3);
  };
  CHECK(refusal("nonsense\r\n\r\n") == "400");
  CHECK(refusal("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n") == "414");
  CHECK(refusal("GET / HTTP/1.1\r\nX: " + std::string(40000, 'a')) == "431");
  CHECK(refusal("BREW / HTTP/1.1\r\nConnection: close\r\n\r\n") == "405");
  CHECK(refusal("GET / HTTP/3.0\r\n\r\n") == "505");
  CHECK(refusal("GET /%00%ff%zz?%=%&&=a HTTP/1.1\r\nConnection: close\r\n\r\n") == "404");
  CHECK(server.Get("/healthz")->status == 200);
}

TEST_CASE("silent and slow clients, however many, keep no thread from others") {
  http::FrontOptions front;
  front.max_threads = 2;
  front.max_connections = 64;
  front.head_patience = 60s;
  ServerUnderTest server(1, front);
  std::list<RawClient> slow;
  for (int i = 0; i < 200; ++i) {
    slow.emplace_back(server.port());
    slow.back().Send("GET /healthz HT");
  }
  const auto answer = server.Get("/healthz");
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE("a head that does not become whole in time ends its connection") {
  http::FrontOptions front;
  front.head_patience = 100ms;
  ServerUnderTest server(1, front);
  RawClient slow(server.port());
  slow.Send("GET /healthz HTTP/1.1\r\n");
  CHECK(slow.ReadAll().starts_with("HTTP/1.1 408"));
  RawClient silent(server.port());
  CHECK(silent.ReadAll().empty());
}

TEST_CASE("streams flow, are bounded, and starve no other request") {
  http::FrontOptions front;
  front.max_threads = 4;
  front.reserved_threads = 1;
  ServerUnderTest server(2, front);
  server.Round();
  const std::string ask = "GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n";
  RawClient first(server.port());
  RawClient second(server.port());
  first.Send(ask);
  second.Send(ask);
  CHECK(first.ReadUntil("event: heartbeat").find("event: overview") != std::string::npos);
  CHECK(second.ReadUntil("event: heartbeat").find("text/event-stream") != std::string::npos);
  const auto refused = server.Get("/api/v1/stream");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->get_header_value("Retry-After") == "30");
  CHECK(server.Get("/healthz")->status == 200);
  query::Overview changed = testing::SmallProvince();
  changed.machines[0].load1 = 42.5;
  server.collector.Set(changed);
  server.Round();
  CHECK(first.ReadUntil("\"load1\":42.5").find("event: overview") != std::string::npos);
  { const RawClient gone = std::move(first); }
  // Its place comes back without anybody writing to it.
  for (int i = 0; i < 200; ++i) {
    RawClient third(server.port());
    third.Send(ask);
    if (third.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200")) {
      SUCCEED();
      return;
    }
    std::this_thread::sleep_for(50ms);
  }
  FAIL("the place of a client that left was not given back");
}

TEST_CASE("stopping ends open streams and waiting connections at once") {
  ServerUnderTest server;
  server.Round();
  RawClient stream(server.port());
  RawClient idle(server.port());
  stream.Send("GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n");
  stream.ReadUntil("event: heartbeat");
  const auto began = std::chrono::steady_clock::now();
  server.live.Close();
  server.http_server->Stop();
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  CHECK(idle.ReadAll().empty());
}

TEST_CASE("a client that takes nothing is let go") {
  ServerUnderTest server;
  query::Overview large = testing::SmallProvince();
  for (int i = 0; i < 20000; ++i) large.machines.push_back(large.machines[0]);
  server.collector.Set(large);
  server.Round();
  RawClient greedy(server.port());
  greedy.Send("GET /api/v1/machines HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(server.Get("/healthz")->status == 200);
  const auto began = std::chrono::steady_clock::now();
  server.live.Close();
  server.http_server->Stop();  // does not wait for the greedy one
  CHECK(std::chrono::steady_clock::now() - began < 2s);
}

TEST_CASE("many clients at once are all answered") {
  ServerUnderTest server;
  server.Round();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const auto answer = server.Get(i % 2 == 0 ? "/api/v1/overview" : "/metrics");
        if (answer && answer->status == 200) ++good;
      }
    });
  }
  for (int i = 0; i < 20; ++i) server.Round();
  for (std::thread& client : clients) client.join();
  CHECK(good == 200);
}

TEST_CASE("a port that is taken, or an address that is not ours, is told plainly") {
  ServerUnderTest server;
  http::FrontOptions front;
  front.listen = {"127.0.0.1", server.port()};
  auto taken = http::Front::Listen(front);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().message.find("another program has the port") != std::string::npos);
  front.listen = {"192.0.2.1", 0};
  CHECK(http::Front::Listen(front).error().message.find("192.0.2.1") != std::string::npos);
}
