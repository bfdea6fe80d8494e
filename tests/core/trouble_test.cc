#include "core/trouble.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;

TEST_CASE("a trouble is told when it begins and when it is over, with how often it was met") {
  FakeClock clock;
  Trouble trouble(clock);
  CHECK_FALSE(trouble.Over());
  CHECK(trouble.Met());
  for (int i = 1; i < 1000; ++i) {
    clock.Advance(15s);
    CHECK_FALSE(trouble.Met());
  }
  CHECK(trouble.Over() == 1000);
  CHECK_FALSE(trouble.Over());
  clock.Advance(15s);
  CHECK(trouble.Met());
  CHECK(trouble.Over() == 1);
}

TEST_CASE("a trouble that comes and goes is told once a minute at most, and all of it is counted") {
  FakeClock clock;
  Trouble trouble(clock);
  int told = 0;
  uint64_t counted = 0;
  for (int i = 0; i < 601; ++i) {
    told += trouble.Met();
    if (const auto count = trouble.Over()) counted += *count;
    clock.Advance(1s);
  }
  CHECK(told == 11);
  CHECK(counted == 601);
}

TEST_CASE("each kind of trouble is told once a minute, with how often it was held back") {
  FakeClock clock;
  Troubles troubles(clock);
  CHECK(troubles.Met("taken over") == 0);
  CHECK(troubles.Met("refused") == 0);
  for (int i = 0; i < 59; ++i) {
    clock.Advance(1s);
    CHECK_FALSE(troubles.Met("taken over"));
  }
  clock.Advance(1s);
  CHECK(troubles.Met("taken over") == 59);
  CHECK(troubles.Met("refused") == 0);
  for (int i = 0; i < 1000; ++i) CHECK(troubles.Met("kind " + std::to_string(i)) == 0);
}
