#include <zlib.h>

#include <catch2/catch.hpp>

#include "agent/probe/step_record.h"
#include "core/utf8.h"
#include "tests/agent/journey_bench.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;
using haidang::agent::testing::Answer;

namespace {

std::string Gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Whether all of it was sent: the other side was there until the end.
bool SentAll(int fd, const std::string& piece, int times) {
  for (int i = 0; i < times; ++i) {
    if (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) <= 0) return false;
  }
  return true;
}

// Bytes that come one by one until the other side has gone.
void Drip(int fd, const std::string& piece) {
  for (int i = 0; i < 2000 && send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0; ++i) {
    std::this_thread::sleep_for(10ms);
  }
}

ProbeResult Run(const std::string& url, const std::string& more = "") {
  return WalkBench(Journey("", {Step("a", url, more)})).Walk().back();
}

}  // namespace

TEST_CASE("a compressed page is read; one that swells beyond its bound is given up") {
  PageServer server([](const std::string& path) {
    const std::string text = path == "/bomb" ? std::string(200 << 20, 'x') : "so-ket-qua: 12";
    return Answer(Gzip(text), "200 OK", "Content-Encoding: gzip\r\n");
  });
  const ProbeResult good = Run(server.Url("/"), "contains = [\"so-ket-qua\"]");
  CHECK(good.reason == ProbeReason::kNone);
  CHECK(good.body_bytes == 14);
  const ProbeResult bomb =
      Run(server.Url("/bomb"), "take = [ { name = \"t\", field = \"f\" } ]\nmax_body = 100000");
  CHECK(bomb.reason == ProbeReason::kTooLarge);
  CHECK(bomb.body_bytes < 200'000);
}

TEST_CASE("an answer without end is given up early") {
  std::atomic<bool> sent_all = false;
  RawServer server([&](int fd, const std::string& path) {
    SendAll(fd, "HTTP/1.1 200 OK\r\n");
    const std::string filler(1 << 16, 'y');
    if (path == "/body") {
      SendAll(fd, "\r\n");
      sent_all = SentAll(fd, filler, 1600);
    } else if (path == "/lines") {
      sent_all = SentAll(fd, "X-Filler: " + std::string(50, 'y') + "\r\n", 1'700'000);
    } else {  // 100 MB in one line
      SendAll(fd, "X-Filler: ");
      sent_all = SentAll(fd, filler, 1600);
    }
  });
  for (const char* path : {"/body", "/lines", "/line"}) {
    INFO(path);
    sent_all = true;
    const ProbeResult result = Run(server.Url(path), "take = [ { name = \"t\", field = \"f\" } ]");
    CHECK(ToString(result.reason) == "too_large");
    CHECK(result.detail == "the answer is too large");
    CHECK(result.times.total() < 3'000'000);
  }
  CHECK_FALSE(sent_all);
}

TEST_CASE("an answer that comes byte by byte ends at the time-out, in the phase that it was in") {
  RawServer server([](int fd, const std::string& path) {
    if (path == "/body") SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    if (path == "/headers") SendAll(fd, "HTTP/1.1 200 OK\r\nX-Slow: ");
    if (path == "/continue") return Drip(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    Drip(fd, "x");
  });
  for (const char* path : {"/body", "/headers", "/continue"}) {
    INFO(path);
    const ProbeResult result = Run(server.Url(path), "timeout = \"200ms\"");
    CHECK(ToString(result.reason) == "transfer_timeout");
    CHECK(result.times.total() >= 190'000);
    CHECK(result.times.total() < 1'000'000);
  }
}

TEST_CASE("redirects without end, to nowhere, to what is no URL") {
  PageServer server([](const std::string& path) {
    const std::string to = path == "/loop"     ? "/loop"
                           : path == "/file"   ? "file:///etc/passwd"
                           : path == "/utf8"   ? "http://m\xc3\xa1y.example/"
                           : path == "/broken" ? "http://\xff\xfe/"
                                               : "http://u:matkhau@127.0.0.1/";
    return Answer("", "302 Found", "Location: " + to + "\r\n");
  });
  const ProbeResult loop = Run(server.Url("/loop"), "max_redirects = 4");
  CHECK(ToString(loop.reason) == "redirect");
  CHECK(loop.hops_us.size() == 4);
  CHECK(loop.requests == 5);
  for (const char* path : {"/file", "/utf8", "/broken", "/password"}) {
    INFO(path);
    const ProbeResult result = Run(server.Url(path));
    CHECK((result.reason == ProbeReason::kRedirect || result.reason == ProbeReason::kProtocol));
    CHECK(IsUtf8(result.detail));
    CHECK(result.detail.find("matkhau") == std::string::npos);
  }
}

TEST_CASE("garbage instead of TLS, of HTTP, of UTF-8: a known reason, and events are text") {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(i * 37 + i / 256);
  RawServer server([&](int fd, const std::string& path) {
    if (path == "/raw") return SendAll(fd, bytes);
    SendAll(fd, Answer("<input name=t value='" + bytes.substr(0, 300) + "'>", "200 \xff\xc3",
                       "X-B: \xfe\xff\r\nSet-Cookie: \xff=\xfe\r\n"));
  });
  std::vector<Event> events;
  const auto see = [&](const ProbeResult& result) {
    StepRecord record("mot-cua", "a", {});
    record.Take(result, 0, events);
    std::vector<Reading> readings;
    record.Report(readings);
    for (const Reading& reading : readings) {
      if (const auto* text = std::get_if<std::string>(&reading.value)) CHECK(IsUtf8(*text));
    }
    return std::string(ToString(result.reason));
  };
  CHECK(see(Run(server.Url("/raw"))) == "protocol");
  for (const char* take : {"field = \"t\"", "field = \"u\"", "regex = 'value=(.*)'",
                           "json = \"/a\"", "header = \"X-B\"", "cookie = \"SID\""}) {
    INFO(take);
    const std::string reason =
        see(Run(server.Url("/"), std::string("take = [ { name = \"t\", ") + take + " } ]"));
    CHECK((reason.empty() || reason == "content" || reason == "protocol"));
  }
  const std::string tls = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  RawServer greeter([&](int, const std::string&) {});
  CHECK(see(Run(tls, "timeout = \"300ms\"")).starts_with("tls"));
  CHECK_FALSE(events.empty());
  for (const Event& event : events) CHECK(IsUtf8(event.text));
}

TEST_CASE("what is taken goes nowhere where it may not stand") {
  PageServer server(
      [](const std::string&) { return Answer("<input name=t value='a&#13;&#10;X-Evil: 1'>"); });
  const std::string first = "name = \"a\"\nurl = \"" + server.Url("/") +
                            "\"\ntake = [ { name = \"t\", field = \"t\" } ]\n";
  const auto second = [&](const std::string& more) {
    WalkBench bench(Journey("", {first, "name = \"b\"\n" + more}));
    return bench.Walk().back();
  };
  const ProbeResult header =
      second("url = \"" + server.Url("/") + "\"\nheaders = { X-T = \"{t}\" }");
  CHECK(header.reason == ProbeReason::kContent);
  CHECK(header.detail.find("Evil") == std::string::npos);
  const ProbeResult number =
      second("url = \"" + server.Url("/") + "\"\njson = '{\"n\":{t}}'\nreads = true");
  CHECK(number.reason == ProbeReason::kContent);
  const ProbeResult path = second("url = \"" + server.Url("/{t}/{t}") + "\"");
  CHECK(path.reason == ProbeReason::kNone);
  CHECK(server.asked.last().starts_with("GET /a%0D%0AX-Evil%3A%201/a%0D%0AX-Evil"));
}

TEST_CASE("a secret stands in nothing that a walk tells; a bad one fails its first step") {
  const TempDir dir;
  const std::string source = WriteSecret(dir / "secret", "Mat&Khau%9\n");
  // The server sends it back wherever it can.
  PageServer server([](const std::string& path) {
    if (path == "/away") {
      return Answer("", "302 Found", "Location: http://Mat&Khau%9:x@h/?p=Mat%26Khau%259\r\n");
    }
    return Answer("<p>Mat&Khau%9</p>", "500 Mat&Khau%9", "X-P: Mat&Khau%9\r\n");
  });
  const std::string secrets = "secrets = { canbo = \"" + source + "\" }";
  const std::string uses = "query = { p = \"{secret.canbo}\" }\n";
  std::vector<Event> events;
  for (const char* more : {"", "status = [500]\nlacks = [\"<p>\"]",
                           "status = [500]\nexpect_json = [ { pointer = "
                           "\"\", value = \"1\" } ]",
                           "status = [500]\ntake = [ { name = \"t\", regex = 'Khau(\\d)' } ]"}) {
    for (const char* path : {"/", "/away"}) {
      StepRecord record("mot-cua", "a", {});
      const ProbeResult result =
          WalkBench(Journey(secrets, {Step("a", server.Url(path), uses + more)})).Walk().back();
      CHECK(result.reason != ProbeReason::kNone);
      CHECK(server.asked.LastHolds("Mat%26Khau%259"));
      CHECK(result.detail.find("Khau") == std::string::npos);
      record.Take(result, 0, events);
      std::vector<Reading> readings;
      record.Report(readings);
      for (const Reading& reading : readings) {
        if (const auto* text = std::get_if<std::string>(&reading.value)) {
          CHECK(text->find("Khau") == std::string::npos);
        }
      }
    }
  }
  for (const Event& event : events) CHECK(event.text.find("Khau") == std::string::npos);

  const auto bad = [&] {
    const int before = server.connections();
    const ProbeResult result =
        WalkBench(Journey(secrets, {Step("a", server.Url("/"), uses)})).Walk().back();
    CHECK(server.connections() == before);
    CHECK(ToString(result.reason) == "internal");
    CHECK(result.detail.find("canbo") != std::string::npos);
    CHECK(result.detail.find("Khau") == std::string::npos);
  };
  chmod((dir / "secret").c_str(), 0644);
  bad();
  unlink((dir / "secret").c_str());
  bad();
  CHECK(WriteSecret(dir / "secret", "Khau\nKhau\n") == source);
  bad();
}
