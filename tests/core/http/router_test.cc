#include "core/io/http/router.h"

#include <catch2/catch.hpp>

using namespace haidang::http;

namespace {

Router MakeRouter() {
  Router router;
  const auto answer = [](const Request& request) {
    Reply reply;
    reply.body = "captured=" + request.captured;
    return reply;
  };
  router.Add("/", answer);
  router.Add("/machines", answer);
  router.Add("/snapshot", {answer, answer, true});
  router.Add("/machines/{machine}", answer);
  return router;
}

Reply Ask(const std::string& method, const std::string& path, std::string* pattern) {
  Request request;
  request.method = method;
  request.path = path;
  return MakeRouter().Answer(request, pattern);
}

}  // namespace

TEST_CASE("paths find their route") {
  std::string pattern;
  CHECK(Ask("GET", "/", &pattern).status == 200);
  CHECK(pattern == "/");
  CHECK(Ask("HEAD", "/machines", &pattern).status == 200);
  CHECK(Ask("GET", "/machines/may 1", &pattern).body == "captured=may 1");
  CHECK(pattern == "/machines/{machine}");
}

TEST_CASE("unknown paths and methods get errors as JSON") {
  std::string pattern;
  for (const char* path : {"", "/x", "/machines/", "/machines/a/b", "//", "machines"}) {
    INFO(path);
    CHECK(Ask("GET", path, &pattern).status == 404);
    CHECK(pattern.empty());
  }
  const Reply reply = Ask("POST", "/machines", &pattern);
  CHECK(reply.status == 405);
  CHECK(reply.body.starts_with(R"({"error":{"code":"method_not_allowed")"));
  CHECK(std::find(reply.headers.begin(), reply.headers.end(),
                  std::pair<std::string, std::string>("Allow", "GET, HEAD")) !=
        reply.headers.end());
  CHECK(Ask("POST", "/nothing", &pattern).status == 404);
}

TEST_CASE("a route has its own methods, and says which of them hurry") {
  std::string pattern;
  CHECK(Ask("PUT", "/snapshot", &pattern).status == 200);
  const Reply reply = Ask("POST", "/snapshot", &pattern);
  CHECK(reply.status == 405);
  CHECK(reply.headers.back() == std::pair<std::string, std::string>("Allow", "GET, HEAD, PUT"));
  CHECK(Ask("PUT", "/machines", &pattern).status == 405);
  CHECK(MakeRouter().IsUrgent("/snapshot"));
  CHECK_FALSE(MakeRouter().IsUrgent("/machines"));
  CHECK_FALSE(MakeRouter().IsUrgent("/nothing"));
}
