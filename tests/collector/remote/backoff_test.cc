#include "collector/remote/backoff.h"

#include <catch2/catch.hpp>

using namespace haidang::remote;
using namespace std::chrono_literals;

TEST_CASE("waits lie between nothing and a bound that doubles") {
  Backoff backoff(100ms, 1s);
  for (const auto bound : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    Backoff low = backoff, high = backoff;
    const auto count = static_cast<uint64_t>(bound.count());
    CHECK(low.Failed(0) == 0ms);
    CHECK(high.Failed(count) == bound);
    CHECK(backoff.Failed(count + 1 + 7) == 7ms);
  }
  backoff.Succeeded();
  CHECK(backoff.Failed(100) == 100ms);
  CHECK(backoff.Failed(201) == 0ms);
}

TEST_CASE("Retry-After is a number of seconds or a date, and bounded") {
  constexpr int64_t kNow = 1793188800000;  // Wed, 28 Oct 2026 12:00:00 GMT
  CHECK(ParseRetryAfter("0", kNow) == 0ms);
  CHECK(ParseRetryAfter("7", kNow) == 7s);
  CHECK(ParseRetryAfter("600", kNow) == 10min);
  CHECK(ParseRetryAfter("601", kNow) == 10min);
  CHECK(ParseRetryAfter("99999999999999999999999", kNow) == 10min);
  CHECK(ParseRetryAfter("Wed, 28 Oct 2026 12:00:05 GMT", kNow) == 5s);
  CHECK(ParseRetryAfter("Wed, 28 Oct 2026 12:00:05 GMT", kNow + 500) == 4500ms);
  CHECK(ParseRetryAfter("Wednesday, 28-Oct-26 12:00:05 GMT", kNow) == 5s);
  CHECK(ParseRetryAfter("Wed Oct 28 12:00:05 2026", kNow) == 5s);
  CHECK(ParseRetryAfter("Wed, 28 Oct 2026 11:59:59 GMT", kNow) == 0ms);
  CHECK(ParseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", kNow) == 10min);
  for (const char* none : {"", "soon", "-5", "1.5", " ", "12 parsecs"}) {
    INFO(none);
    CHECK_FALSE(ParseRetryAfter(none, kNow));
  }
}
