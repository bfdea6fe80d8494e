#include "core/io/http/waiting_port.h"

#include <catch2/catch.hpp>

#include "tests/support/raw_client.h"

using namespace haidang;
using namespace haidang::http;
using testing::RawClient;

namespace {

FrontOptions Loopback() {
  FrontOptions options;
  options.listen = {"127.0.0.1", 0};
  return options;
}

std::string Ask(const WaitingPort& port, const std::string& path) {
  RawClient client(port.port());
  client.Send("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
  return client.ReadAll();
}

}  // namespace

TEST_CASE("who waits is alive, gives its metrics, and tells everybody else why it waits") {
  auto port = WaitingPort::Open(Loopback(), [](const Request&) {
    Reply reply;
    reply.body = "one 1";
    return reply;
  });
  REQUIRE(port);
  (*port)->Because("the disk is full");
  CHECK(Ask(**port, "/healthz").starts_with("HTTP/1.1 200"));
  CHECK(Ask(**port, "/metrics").ends_with("one 1"));
  for (const char* path : {"/readyz", "/", "/api/v1/overview", "/nothing"}) {
    INFO(path);
    const std::string answer = Ask(**port, path);
    CHECK(answer.starts_with("HTTP/1.1 503"));
    CHECK(answer.find("\r\nRetry-After: 5\r\n") != std::string::npos);
    CHECK(answer.find(R"("code":"not_ready","message":"the disk is full")") != std::string::npos);
  }
  (*port)->Because("the disk is read-only");
  CHECK(Ask(**port, "/readyz").find("read-only") != std::string::npos);
}

TEST_CASE("without metrics of its own that page waits too, and the port is free afterwards") {
  auto port = WaitingPort::Open(Loopback(), {});
  REQUIRE(port);
  CHECK(Ask(**port, "/metrics").starts_with("HTTP/1.1 503"));
  FrontOptions same = Loopback();
  same.listen.port = (*port)->port();
  CHECK_FALSE(WaitingPort::Open(same, {}));
  port->reset();
  CHECK(WaitingPort::Open(same, {}));
}
