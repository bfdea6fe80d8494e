#include "agent/sources/access_line.h"

#include <catch2/catch.hpp>

#include "agent/sources/url_pattern.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

struct Parsed {
  LineKind kind = LineKind::kBad;
  AccessLine line;
};

AccessFormat Format(std::string_view format, std::string_view unit = "auto") {
  auto made = AccessFormat::Make(format, unit);
  INFO(format);
  REQUIRE(made.ok());
  return std::move(*made);
}

Parsed Parse(const AccessFormat& format, std::string_view text) {
  std::string fields;
  Parsed parsed;
  parsed.kind = format.Parse(text, fields, parsed.line);
  return parsed;
}

constexpr char kCombined[] =
    R"(83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a/b.png?c=d HTTP/1.1" 200 203023 )"
    R"--("http://x/" "Mozilla/5.0 \"x\" (KHTML, like Gecko)")--";

}  // namespace

TEST_CASE("combined, common: nginx', Apache's and Tomcat's default") {
  for (const char* format : {"combined", "common"}) {
    const Parsed parsed = Parse(Format(format), kCombined);
    CHECK(parsed.kind == LineKind::kRequest);
    CHECK(parsed.line.method == "GET");
    CHECK(parsed.line.path == "/a/b.png");
    CHECK(parsed.line.status == 200);
    CHECK(parsed.line.bytes == 203023);
    CHECK_FALSE(parsed.line.seconds.has_value());
  }
  // Fields that somebody appended.
  CHECK(Parse(Format("combined"), std::string(kCombined) + " 0.123 -").kind == LineKind::kRequest);
  CHECK(Parse(Format("combined"), std::string(kCombined) + "\r").kind == LineKind::kRequest);
  CHECK(Parse(Format("combined"), std::string(5, '\0') + kCombined).kind == LineKind::kRequest);
}

TEST_CASE("requests that are none are requests all the same") {
  const AccessFormat format = Format("common");
  const Parsed handshake =
      Parse(format, R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 166)");
  CHECK(handshake.kind == LineKind::kRequest);
  CHECK(handshake.line.status == 400);
  CHECK(handshake.line.path.empty());
  const Parsed nothing = Parse(format, R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "-" 408 -)");
  CHECK(nothing.kind == LineKind::kRequest);
  CHECK(nothing.line.bytes == 0);
  const Parsed quoted =
      Parse(format, R"(1.2.3.4 - a [17/May/2015:10:05:03 +0000] "GET /\"\\" 404 1)");
  CHECK(quoted.kind == LineKind::kRequest);
  CHECK(quoted.line.path == R"(/\"\\)");
  const Parsed proxy = Parse(
      format, R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET http://a.vn/x?y HTTP/1.1" 200 1)");
  CHECK(proxy.line.path == "/x");
}

TEST_CASE("lines that are not of the format are bad") {
  const AccessFormat format = Format("combined");
  const std::string line = kCombined;
  for (size_t cut = 1; cut < line.size(); ++cut) {
    INFO(cut);
    CHECK(Parse(format, line.substr(0, cut)).kind == LineKind::kBad);
  }
  CHECK(Parse(format, "").kind == LineKind::kRemark);
  for (const char* bad :
       {R"(h - - [t] "GET / HTTP/1.1" 20 5 "-" "-")",
        R"(h - - [t] "GET / HTTP/1.1" 2000 5 "-" "-")",
        R"(h - - [t] "GET / HTTP/1.1" abc 5 "-" "-")",
        R"(h - - [t] "GET / HTTP/1.1" 200 x "-" "-")",
        R"(h - - [t] "GET / HTTP/1.1" 200 -5 "-" "-")",
        R"(h - - [t] "GET / HTTP/1.1" 200 5 "-" "-"x)", "hello", "\xff\xfe\x00"}) {
    INFO(bad);
    CHECK(Parse(format, bad).kind == LineKind::kBad);
  }
}

TEST_CASE("nginx' log_format") {
  const AccessFormat format =
      Format(R"($remote_addr - ${remote_user} [$time_local] "$request" $status $body_bytes_sent )"
             R"("$http_referer" rt=$request_time ut="$upstream_response_time")");
  const Parsed parsed =
      Parse(format, R"(10.0.0.1 - an [23/Nov/2026:07:30:00 +0700] "POST /nop HTTP/2.0" )"
                    R"(302 154 "-" rt=1.250 ut="0.010, 1.200")");
  REQUIRE(parsed.kind == LineKind::kRequest);
  CHECK(parsed.line.method == "POST");
  CHECK(parsed.line.path == "/nop");
  CHECK(parsed.line.status == 302);
  CHECK(parsed.line.bytes == 154);
  CHECK(parsed.line.seconds.value() == Approx(1.25));
  const Parsed apart =
      Parse(Format("$status;$request_method;$request_uri;$request_time"), "499;GET;/a?b;0.000");
  CHECK(apart.line.status == 499);
  CHECK(apart.line.path == "/a");
  CHECK(apart.line.seconds.value() == 0);
}

TEST_CASE("Apache's LogFormat and Tomcat's pattern, with their units") {
  const char* rest = R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 1500)";
  // As Apache's own configuration writes quotes.
  CHECK(Parse(Format(R"(%h %l %u %t \"%r\" %>s %b %D)"), rest).line.seconds.value() ==
        Approx(0.0015));
  CHECK(Parse(Format(R"(%h %l %u %t "%r" %s %b %D)", "ms"), rest).line.seconds.value() ==
        Approx(1.5));
  CHECK(Parse(Format(R"(%h %l %u %t "%r" %s %b %{ms}T)"), rest).line.seconds.value() ==
        Approx(1.5));
  CHECK(Parse(Format(R"(%h %l %u %t "%r" %s %b %T)"), rest).line.seconds.value() == 1500);
  const Parsed parts = Parse(Format("[%{%Y-%m-%d %H:%M}t] %m %U%q %!200,304s %O %^FU 100%%"),
                             "[2026-11-23 07:30] GET /a?b 404 77 x 100%");
  REQUIRE(parts.kind == LineKind::kRequest);
  CHECK(parts.line.path == "/a");
  CHECK(parts.line.status == 404);
  CHECK(parts.line.bytes == 77);
}

TEST_CASE("formats that are refused say what is allowed") {
  for (const char* bad : {"", "combine", "$request", "%h %r", "$status$request_time", "%{x", "%",
                          "$ $status", "%>s $status", "${status", "%D%s"}) {
    INFO(bad);
    const auto made = AccessFormat::Make(bad, "auto");
    REQUIRE_FALSE(made.ok());
    CHECK_THAT(made.error().message, Catch::Contains("; allowed: "));
  }
}

TEST_CASE("IIS: W3C with directives") {
  const AccessFormat format = Format("w3c");
  std::string fields;
  AccessLine line;
  const auto parse = [&](std::string_view text) { return format.Parse(text, fields, line); };
  CHECK(parse("2026-11-23 00:00:01 GET / 200") == LineKind::kBad);  // nobody knows what it says
  CHECK(parse("#Software: Microsoft Internet Information Services 10.0\r") == LineKind::kRemark);
  CHECK(parse("#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
              "cs(User-Agent) sc-status sc-substatus sc-win32-status sc-bytes time-taken\r") ==
        LineKind::kRemark);
  CHECK(
      parse("2026-11-23 00:00:01 10.0.0.2 POST /hoso/nop.aspx id=7 443 - 10.0.0.9 Mozilla/5.0+(x) "
            "500 0 64 1208 2750\r") == LineKind::kRequest);
  CHECK(line.method == "POST");
  CHECK(line.path == "/hoso/nop.aspx");
  CHECK(line.status == 500);
  CHECK(line.bytes == 1208);
  CHECK(line.seconds.value() == Approx(2.75));
  CHECK(parse("2026-11-23 00:00:01 10.0.0.2 POST /x") == LineKind::kBad);
  CHECK(parse("#Fields: sc-status cs-method") == LineKind::kRemark);
  CHECK(parse("404 GET") == LineKind::kRequest);
  CHECK(parse("404 GET more") == LineKind::kBad);
  CHECK(line.status == 404);
}

TEST_CASE("HAProxy: httplog behind syslog") {
  const AccessFormat format = Format("haproxy");
  const Parsed parsed = Parse(
      format,
      R"(Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] )"
      R"(http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} )"
      R"("GET /index.html HTTP/1.1")");
  REQUIRE(parsed.kind == LineKind::kRequest);
  CHECK(parsed.line.method == "GET");
  CHECK(parsed.line.path == "/index.html");
  CHECK(parsed.line.status == 200);
  CHECK(parsed.line.bytes == 2750);
  CHECK(parsed.line.seconds.value() == Approx(0.109));
  const Parsed aborted = Parse(
      format,
      R"(<134>1 [x y] h: [::1]:5 [06/Feb/2009:12:14:14.655] f b/<NOSRV> -1/-1/-1/-1/+9 -1 +0 - - )"
      R"(CR-- 1/1/1/1/0 0/0 "<BADREQ>")");
  REQUIRE(aborted.kind == LineKind::kRequest);
  CHECK(aborted.line.status == 0);
  CHECK(aborted.line.seconds.value() == Approx(0.009));
  CHECK(Parse(format, "Feb  6 12:14:14 localhost haproxy[14389]: Server b/s is DOWN").kind ==
        LineKind::kBad);
}

TEST_CASE("methods and classes of statuses are few") {
  CHECK(kMethods[MethodIndex("GET")] == "GET");
  CHECK(kMethods[MethodIndex("PATCH")] == "PATCH");
  for (const char* other : {"", "get", "PROPFIND", "other"}) {
    CHECK(kMethods[MethodIndex(other)] == "other");
  }
  CHECK(kStatusClasses[StatusIndex(100)] == "1xx");
  CHECK(kStatusClasses[StatusIndex(599)] == "5xx");
  for (const int other : {0, 99, 600, 999}) CHECK(kStatusClasses[StatusIndex(other)] == "other");
}

TEST_CASE("patterns of addresses") {
  CHECK(MatchesUrl("/a/*", "/a/"));
  CHECK(MatchesUrl("/a/*", "/a/b/c"));
  CHECK_FALSE(MatchesUrl("/a/*", "/a"));
  CHECK(MatchesUrl("*", ""));
  CHECK(MatchesUrl("/", "/"));
  CHECK_FALSE(MatchesUrl("/", "/x"));
  CHECK(MatchesUrl("*.php", "/x/y.php"));
  CHECK(MatchesUrl("/?/*/z*", "/a/b/c/z"));
  CHECK_FALSE(MatchesUrl("/?/z", "//z/"));
  CHECK(MatchesUrl("/*a*b*", "/xxaxxbxx"));
  CHECK_FALSE(MatchesUrl("/*a*b", "/xxbxxaxx"));
  // What a backtracking matcher would never end with.
  CHECK_FALSE(MatchesUrl("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}
