#include <catch2/catch.hpp>

#include "agent/journey/walk.h"
#include "tests/agent/journey_bench.h"
#include "tests/agent/test_certificate.h"
#include "tests/agent/tls_server.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;
using haidang::agent::testing::Answer;

namespace {

std::string Redirect(const std::string& status, const std::string& to) {
  return Answer("", status, "Location: " + to + "\r\n");
}

}  // namespace

TEST_CASE("walk: cookies are kept from step to step, and forgotten from walk to walk") {
  PageServer server([](const std::string& path) {
    return Answer("ok", "200 OK", path == "/a" ? "Set-Cookie: SID=phien-1; Path=/\r\n" : "");
  });
  WalkBench bench(
      Journey("", {Step("a", server.Url("/a"), "take = [ { name = \"sid\", cookie = \"SID\" } ]"),
                   Step("b", server.Url("/b"), "headers = { X-Sid = \"{sid}\" }")}));
  for (int walk = 0; walk < 2; ++walk) {
    CHECK(bench.Walk().size() == 2);
    const auto requests = server.asked.all();
    REQUIRE(requests.size() == static_cast<size_t>(2 * walk + 2));
    CHECK(requests[2 * walk].find("Cookie:") == std::string::npos);
    CHECK(requests[2 * walk + 1].find("Cookie: SID=phien-1\r\n") != std::string::npos);
    CHECK(requests[2 * walk + 1].find("X-Sid: phien-1\r\n") != std::string::npos);
  }
}

TEST_CASE("walk: what is taken is sent where the next steps say, written as each place wants it") {
  const TempDir dir;
  PageServer server([](const std::string& path) {
    if (path != "/") return Answer("ok");
    return Answer("<form><input type=hidden value='a b&amp;\"=/ễ' name=tok></form><p>Số: 42</p>");
  });
  const std::string secret = WriteSecret(dir / "secret", "m&t c=a\n");
  WalkBench bench(
      Journey("headers = { Accept-Language = \"vi\", X-Plain = \"p\" }\nsecrets = { canbo = \"" +
                  secret + "\" }",
              {Step("a", server.Url("/"),
                    "take = [ { name = \"tok\", field = \"tok\" }, { name = \"n\", regex = 'Số: "
                    "(\\d+)' } ]"),
               Step("form", server.Url("/f"),
                    "form = { \"mã\" = \"{tok}\", pass = \"{secret.canbo}\" }\nreads = true\n"
                    "headers = { X-Plain = \"q\" }"),
               Step("json", server.Url("/j"), "json = '{\"t\":\"{tok}\",\"n\":{n}}'\nreads = true"),
               Step("query", server.Url("/q/{n}?x=1#part"), "query = { q = \"{tok}\" }"),
               Step("put", server.Url("/p"), "method = \"PUT\"\nwrites = true\njson = '{}'")}));
  REQUIRE(bench.Walk().size() == 5);
  const auto requests = server.asked.all();
  REQUIRE(requests.size() == 5);
  const auto holds = [&](size_t request, const std::string& text) {
    INFO(requests[request]);
    CHECK(requests[request].find(text) != std::string::npos);
  };
  holds(0, "Accept-Language: vi\r\n");
  holds(0, "X-Plain: p\r\n");
  holds(1, "POST /f HTTP/1.1\r\n");
  holds(1, "X-Plain: q\r\n");
  CHECK(requests[1].find("X-Plain: p") == std::string::npos);
  holds(1, "Content-Type: application/x-www-form-urlencoded\r\n");
  holds(1, "\r\n\r\nm%C3%A3=a+b%26%22%3D%2F%E1%BB%85&pass=m%26t+c%3Da");
  holds(2, "Content-Type: application/json\r\n");
  holds(2, "\r\n\r\n{\"t\":\"a b&\\\"=/ễ\",\"n\":42}");
  holds(3, "GET /q/42?x=1&q=a%20b%26%22%3D%2F%E1%BB%85 HTTP/1.1\r\n");
  holds(4, "PUT /p HTTP/1.1\r\n");
}

TEST_CASE("walk: what was posted is asked for by GET after a redirect, each hop's time is told") {
  PageServer server([](const std::string& path) {
    if (path == "/303") return Redirect("303 See Other", "/302");
    if (path == "/302") {
      std::this_thread::sleep_for(30ms);
      return Redirect("302 Found", "/end");
    }
    return Answer("ok");
  });
  WalkBench bench(
      Journey("", {Step("a", server.Url("/303"), "form = { a = \"1\" }\nreads = true")}));
  const auto results = bench.Walk();
  CHECK(results[0].reason == ProbeReason::kNone);
  REQUIRE(results[0].hops_us.size() == 2);
  CHECK(results[0].hops_us[1] >= 29000);
  CHECK(results[0].requests == 3);
  CHECK(server.asked.all()[1].starts_with("GET /302 "));
  CHECK(server.asked.all()[1].find("a=1") == std::string::npos);
}

TEST_CASE("walk: a body is sent again only with the right, and to the same origin") {
  PageServer other([](const std::string&) { return Answer("ok"); });
  PageServer server([&](const std::string& path) {
    if (path == "/307") return Redirect("307 Temporary Redirect", "/end");
    if (path == "/away") return Redirect("308 Permanent Redirect", other.Url("/"));
    return Answer("ok");
  });
  const auto walk = [&](const std::string& path, bool may) {
    auto journey =
        Journey("", {Step("a", server.Url(path), "form = { ho-so = \"1\" }\nreads = true")});
    journey.steps[0].rules.may_send_again = may;
    return WalkBench(std::move(journey)).Reason();
  };
  CHECK(walk("/307", false) == "redirect");
  CHECK(server.asked.all().size() == 1);
  CHECK(walk("/307", true).empty());
  CHECK(server.asked.last().starts_with("POST /end "));
  CHECK(server.asked.LastHolds("\r\n\r\nho-so=1"));
  CHECK(walk("/away", true) == "redirect");
  CHECK(other.connections() == 0);
}

TEST_CASE("walk: headers and a client's secrets do not go to another origin") {
  PageServer other([](const std::string&) { return Answer("ok"); });
  PageServer server([&](const std::string& path) {
    return Redirect("302 Found", path == "/a" ? "/b" : other.Url("/"));
  });
  WalkBench bench(Journey("", {Step("a", server.Url("/a"), "headers = { X-Key = \"khoa\" }")}));
  CHECK(bench.Reason().empty());
  CHECK(server.asked.LastHolds("X-Key: khoa"));
  CHECK(server.asked.last().starts_with("GET /b "));
  CHECK_FALSE(other.asked.LastHolds("X-Key"));
}

TEST_CASE("walk: a step that fails ends it; a value that is not there is the content's fault") {
  PageServer server([](const std::string& path) {
    return path == "/json" ? Answer("{\"ok\":false}")
                           : Answer("<p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
  });
  const auto reason = [&](const std::string& path, const std::string& more) {
    WalkBench bench(Journey("", {Step("a", server.Url(path), more), Step("b", server.Url("/b"))}));
    const auto results = bench.Walk();
    CHECK(results.size() == (results[0].reason == ProbeReason::kNone ? 2U : 1U));
    return std::string(ToString(results[0].reason));
  };
  CHECK(reason("/", "take = [ { name = \"t\", field = \"khong-co\" } ]") == "content");
  CHECK(reason("/", "take = [ { name = \"t\", header = \"X-No\" } ]") == "content");
  CHECK(reason("/", "take = [ { name = \"t\", cookie = \"SID\" } ]") == "content");
  CHECK(reason("/", "take = [ { name = \"t\", json = \"/a\" } ]") == "content");
  CHECK(reason("/", "lacks = [\"aaa\"]") == "content");
  CHECK(reason("/", "contains = [\"aaa\", \"khong-co\"]") == "content");
  CHECK(reason("/", "contains = [\"aaa\", \"<p>\"]").empty());
  CHECK(reason("/", "status = [404]") == "status");
  CHECK(reason("/json", "expect_json = [ { pointer = \"/ok\", value = \"true\" } ]") == "content");
  CHECK(reason("/json", "expect_json = [ { pointer = \"/ok\", value = \"false\" } ]").empty());
}

TEST_CASE("walk: a pattern that would take for ever is given up") {
  PageServer server([](const std::string&) { return Answer(std::string(200'000, 'a') + "!"); });
  WalkBench bench(
      Journey("", {Step("a", server.Url("/"), "take = [ { name = \"t\", regex = '(a+)+$' } ]")}));
  const auto began = std::chrono::steady_clock::now();
  CHECK(bench.Reason() == "content");
  CHECK(std::chrono::steady_clock::now() - began < 3s);
}

TEST_CASE("walk: slower than it may be is a failure, with everything else right") {
  PageServer server([](const std::string&) {
    std::this_thread::sleep_for(30ms);
    return Answer("ok");
  });
  WalkBench slow(Journey("", {Step("a", server.Url("/"), "max_time = \"20ms\"")}));
  CHECK(slow.Reason() == "slow");
  WalkBench fast(Journey("", {Step("a", server.Url("/"), "max_time = \"4s\"")}));
  CHECK(fast.Reason().empty());
}

TEST_CASE("walk: only addresses of the family that was chosen") {
  PageServer server([](const std::string&) { return Answer("ok"); });
  const std::string url = "http://mot-cua.example:" + std::to_string(server.port()) + "/";
  const auto both = [](const std::string&) {
    return Result<std::vector<std::string>>(std::vector<std::string>{"[::1]", "127.0.0.1"});
  };
  const auto run = [&](const std::string& keys, Lookup lookup) {
    return WalkBench(Journey(keys, {Step("a", url)}), std::move(lookup)).Walk().back();
  };
  const ProbeResult four = run("ip = \"4\"", both);
  CHECK(four.reason == ProbeReason::kNone);
  CHECK(four.address == "127.0.0.1");
  CHECK(run("ip = \"6\"", both).reason == ProbeReason::kRefused);
  const ProbeResult none = run("ip = \"6\"", haidang::agent::testing::Loopback);
  CHECK(none.reason == ProbeReason::kDns);
  CHECK(none.detail == "the name has no IPv6 address");
}

TEST_CASE("walk: through a proxy, which finds the name itself") {
  PageServer proxy([](const std::string&) { return Answer("ok"); });
  WalkBench bench(
      Journey("proxy = \"http://127.0.0.1:" + std::to_string(proxy.port()) + "\"",
              {Step("a", "http://motcua.example/trang?x=1")}),
      [](const std::string&) -> Result<std::vector<std::string>> { return Error{"never asked"}; });
  CHECK(bench.Reason().empty());
  CHECK(proxy.asked.last().starts_with("GET http://motcua.example/trang?x=1 HTTP/1.1\r\n"));
}

TEST_CASE("walk: a client certificate is shown where the server asks for one") {
  const TempDir dir;
  for (const char* name : {"server", "clerk", "other"}) {
    MakeCertificate(dir / name, 0, 86400);
  }
  const TlsServer server(dir / "server", dir / "clerk.pem");
  const auto reason = [&](const std::string& who) {
    std::string keys = "ca = \"" + (dir / "server.pem") + "\"\n";
    if (!who.empty()) {
      keys += "client_cert = \"" + (dir / (who + ".pem")) + "\"\nclient_key = \"" +
              (dir / (who + ".key")) + "\"\n";
    }
    return WalkBench(Journey(keys, {Step("a", server.Url())})).Reason();
  };
  CHECK(reason("clerk").empty());
  for (const char* who : {"", "other"}) {
    const std::string refused = reason(who);
    CHECK((refused == "tls" || refused == "closed"));
  }
}

TEST_CASE("walk: a clerk thinks between two steps") {
  PageServer server([](const std::string&) { return Answer("ok"); });
  WalkBench bench(
      Journey("think_time = \"1s\"", {Step("a", server.Url("/"), "think_time = \"10min\""),
                                      Step("b", server.Url("/"), "think_time = \"60ms\"")}));
  CHECK(bench.Walk().size() == 2);
  CHECK(bench.begins_us[0] < 5'000'000);  // none before the first
  CHECK(bench.begins_us[1] - bench.begins_us[0] >= 59'000);
}

TEST_CASE("walk: given up in any state it leaves nothing behind") {
  RawServer server([](int fd, const std::string& path) {
    if (path == "/ok") return SendAll(fd, Answer("ok"));
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  const auto begin = [&](WalkBench& bench) {
    bench.walk->Begin([](size_t, int64_t, const ProbeResult&) {}, [] { FAIL("must not end"); });
  };
  const auto journey = [&] {
    return Journey("think_time = \"1min\"", {Step("a", server.Url("/ok")), Step("b", "http://a/")});
  };
  {  // before its first step
    WalkBench bench(journey());
    begin(bench);
    bench.walk.reset();
    RunFor(*bench.loop, 5ms);
  }
  {  // in think time
    WalkBench bench(journey());
    begin(bench);
    RunFor(*bench.loop, 300ms);
    CHECK(bench.walk->walking());
    bench.walk.reset();
    RunFor(*bench.loop, 5ms);
  }
  {  // in a request
    WalkBench bench(Journey("", {Step("a", server.Url("/hang"))}));
    begin(bench);
    const int before = server.connections();
    REQUIRE(RunUntil(*bench.loop, [&] { return server.connections() > before; }));
    bench.walk.reset();
    RunFor(*bench.loop, 5ms);
  }
  {  // while its name is looked up
    WalkBench bench(Journey("", {Step("a", "http://mot-cua.example/")}),
                    [](const std::string&) -> Result<std::vector<std::string>> {
                      std::this_thread::sleep_for(100ms);
                      return Error{"late"};
                    });
    begin(bench);
    RunFor(*bench.loop, 20ms);
    bench.walk.reset();
    RunFor(*bench.loop, 150ms);
  }
}
