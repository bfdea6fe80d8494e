#include "collector/store/journal_trail.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace haidang::store;

TEST_CASE("an empty journal has nothing") {
  const JournalTrail trail;
  CHECK(trail.newest() == 0);
  CHECK(trail.FirstSince(0) == 1);
  CHECK(trail.FirstWithin(100) == 1);
  CHECK(trail.ReceivedOf(1) == 0);
}

TEST_CASE("when rows came, and how many bytes they are, to a second and 4 MiB") {
  JournalTrail trail;
  for (int64_t id = 1; id <= 10000; ++id) trail.Came(id, id * 100, 1000);
  CHECK(trail.newest() == 10000);
  for (const int64_t id : {1, 57, 5000, 9999, 10000}) {
    INFO(id);
    CHECK(trail.ReceivedOf(id) <= id * 100);
    CHECK(trail.ReceivedOf(id) > id * 100 - 1000);
    CHECK(trail.FirstSince(id * 100) <= id);
    CHECK(trail.FirstSince(id * 100) >= id - 20);
  }
  CHECK(trail.FirstSince(INT64_MAX) > 9980);
  CHECK(trail.FirstWithin(1'000'000) > 9000);
  CHECK(trail.FirstWithin(1'000'000) <= 9011);
  CHECK(trail.FirstWithin(INT64_MAX) == 1);
  CHECK(trail.FirstWithin(0) == 10001);
  SECTION("what is forgotten changes nothing behind it") {
    trail.Forget(5000);
    CHECK(trail.FirstSince(0) <= 5000);
    CHECK(trail.FirstSince(0) > 4980);
    CHECK(trail.ReceivedOf(9999) > 9999 * 100 - 1000);
    CHECK(trail.FirstWithin(1'000'000) > 9000);
  }
}

TEST_CASE("where the clock was set back, what came before is not of the future") {
  JournalTrail trail;
  for (int64_t id = 1; id <= 100; ++id) trail.Came(id, 1'000'000 + id * 1000, 10);
  for (int64_t id = 101; id <= 200; ++id) trail.Came(id, id * 1000, 10);
  CHECK(trail.ReceivedOf(50) <= 101'000);
  CHECK(trail.FirstSince(150'000) <= 150);
  CHECK(trail.FirstSince(150'000) >= 148);
}
