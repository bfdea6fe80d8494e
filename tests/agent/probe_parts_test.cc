#include <array>
#include <catch2/catch.hpp>

#include "agent/library.h"
#include "agent/probe/http.h"
#include "agent/probe/phases.h"
#include "agent/probe/url.h"

using namespace haidang;
using namespace haidang::agent;

TEST_CASE("phases: where the time of a request went") {
  const auto times = [](RequestMarks marks, bool tls, bool failed) {
    return PhasesOf(marks, tls, failed).us;
  };
  using Us = std::array<int64_t, 6>;  // the last one: of redirects, which are other requests
  CHECK(times({10, 30, 70, 150, 200}, true, false) == Us{10, 20, 40, 80, 50});
  CHECK(times({10, 30, 0, 150, 200}, false, false) == Us{10, 20, 0, 120, 50});
  // An address needs no resolving.
  CHECK(times({0, 30, 0, 150, 200}, false, false) == Us{0, 30, 0, 120, 50});
  // Failed while resolving, connecting, shaking hands, waiting, reading.
  CHECK(times({0, 0, 0, 0, 200}, true, true) == Us{200, 0, 0, 0, 0});
  CHECK(times({10, 0, 0, 0, 200}, true, true) == Us{10, 190, 0, 0, 0});
  CHECK(times({10, 30, 0, 0, 200}, true, true) == Us{10, 20, 170, 0, 0});
  CHECK(times({10, 30, 70, 0, 200}, true, true) == Us{10, 20, 40, 130, 0});
  CHECK(times({10, 30, 70, 150, 200}, true, true) == Us{10, 20, 40, 80, 50});
  // Marks that do not fit together still give phases that sum to the total.
  CHECK(times({50, 30, 400, 20, 200}, true, false) == Us{50, 0, 150, 0, 0});
}

TEST_CASE("phases: of the last request alone, with all that went before beside them") {
  PhaseTimes times;
  times.us = {10, 20, 30, 40, 50, 0};
  CHECK(times.Redirected() == 150);
  CHECK(times.us == std::array<int64_t, 6>{0, 0, 0, 0, 0, 150});
  times.us[kProcessing] = 7;
  CHECK(times.Redirected() == 7);
  CHECK(times.us == std::array<int64_t, 6>{0, 0, 0, 0, 0, 157});
  times.us[kTransfer] = 3;
  CHECK(times.total() == 160);
}

TEST_CASE("times of certificates") {
  CHECK(ParseCertTime("Nov 22 13:48:00 2026 GMT") == 1795355280);
  CHECK(ParseCertTime("Jan  1 00:00:00 1970 GMT") == 0);
  CHECK(ParseCertTime("Feb 29 12:00:00 2028 GMT") == 1835438400);
  CHECK(ParseCertTime("") == 0);
  CHECK(ParseCertTime("Xxx 22 13:48:00 2026 GMT") == 0);
}

TEST_CASE("URLs") {
  const auto https = ParseUrl("https://motcua.quangninh.gov.vn/tra-cuu?q=a#b");
  REQUIRE(https.ok());
  CHECK(https->tls);
  CHECK(https->host == "motcua.quangninh.gov.vn");
  CHECK(https->port == 443);
  CHECK_FALSE(https->literal);
  const auto http = ParseUrl("HTTP://10.0.0.1:8080");
  REQUIRE(http.ok());
  CHECK_FALSE(http->tls);
  CHECK(http->port == 8080);
  CHECK(http->literal);
  const auto six = ParseUrl("http://[fe80::1]:81/");
  REQUIRE(six.ok());
  CHECK(six->host == "fe80::1");
  CHECK(six->port == 81);
  CHECK(six->literal);
  for (const char* bad :
       {"", "http://", "http:///x", "ftp://a/", "a", "//a", "http://a b/", "http://u:p@a/",
        "http://a:0/", "http://a:65536/", "http://a:x/", "http://[::1", "http://[x]/", "http://[]/",
        "http://một.vn/", "file:///etc/passwd", "http://a\n/", "http://a,b/", "http://[::1]x/"}) {
    INFO(bad);
    CHECK_FALSE(ParseUrl(bad).ok());
  }
  CHECK_FALSE(ParseUrl("http://a/" + std::string(3000, 'x')).ok());
}

TEST_CASE("libraries: what is not there is said, with what helps") {
  const auto none = Library::Load("libkhong-co.so.7", "tests need it", "install it");
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message.starts_with("tests need it, which cannot be loaded: libkhong-co"));
  CHECK(none.error().message.ends_with("; install it"));
  const auto library = Library::Load("libc.so.6", "tests need it", "install it");
  REQUIRE(library.ok());
  size_t (*length)(const char*) = nullptr;
  REQUIRE(library->Find("strlen", length));
  CHECK(length("bốn") == 5);
  CHECK_FALSE(library->Find("khong_co", length));
}
