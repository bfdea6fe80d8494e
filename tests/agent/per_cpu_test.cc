#include "agent/sources/per_cpu.h"

#include <catch2/catch.hpp>

#include "agent/sources.h"
#include "tests/agent/source_reading.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::Machine;
using haidang::testing::Read;

TEST_CASE("packets and turns of each processor") {
  auto values = Read(MakeSoftnetSource(Machine("storage-server"), {.per_core_up_to = 64})).values;
  CHECK(values.size() == 64 * 3);
  CHECK(values.at(R"(node_softnet_dropped_total{cpu="5"})") == 3);
  const auto read_all =
      Read(MakeSoftnetSource(Machine("storage-server"), {.per_core_up_to = 63})).values;
  CHECK(read_all.size() == 3);
  CHECK(read_all.at(R"(node_softnet_dropped_total{cpu="all"})") == 3);
  values = Read(MakeSchedstatSource(Machine("storage-server"), {})).values;
  CHECK(values.size() == 64 * 3);

  const auto softnet = ParseSoftnet("0000000a 00000001 ff\n\n10 0 0 0 0 0 0 0 0 0 0 0 00000007\n");
  REQUIRE(softnet.ok());
  REQUIRE(softnet->size() == 2);
  CHECK((*softnet)[0].cpu == 0);
  CHECK((*softnet)[0].counts == std::array<uint64_t, 3>{10, 1, 255});
  CHECK((*softnet)[1].cpu == 7);
  CHECK_FALSE(ParseSoftnet("0a 0b\n").ok());
  CHECK_FALSE(ParseSoftnet("0a 0b xx\n").ok());
  CHECK_FALSE(ParseSoftnet("-1 0b 0c\n").ok());
  const auto turns = ParseSchedstat("version 15\ncpu2 0 0 0 0 0 0 1500000000 250 9\ndomain0 f 0\n");
  REQUIRE(turns.ok());
  REQUIRE(turns->size() == 1);
  CHECK((*turns)[0].cpu == 2);
  CHECK((*turns)[0].counts == std::array<uint64_t, 3>{1500000000, 250, 9});
  CHECK_FALSE(ParseSchedstat("cpu2 0 0 0 0 0 0 1 2\n").ok());
  CHECK_FALSE(ParseSchedstat("cpux 0 0 0 0 0 0 1 2 3\n").ok());
}
