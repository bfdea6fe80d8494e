#include "core/ledger.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace haidang;

TEST_CASE("a ledger's line tells machine, series, time and value so that they can be compared") {
  const SeriesId disk{"node_filesystem_avail_bytes", {{"mountpoint", "/\"x\""}}};
  CHECK(LedgerLine("pc-1", disk, 1760000000000, uint64_t{1} << 63) ==
        R"({"machine":"pc-1","series":"node_filesystem_avail_bytes{mountpoint=\"/\\\"x\\\"\"}",)"
        R"("ts_ms":1760000000000,"value":9223372036854775808})");
  const auto value = [](const Value& v) {
    const std::string line = LedgerLine("m", {"up", {}}, 1, v);
    const std::string head = R"({"machine":"m","series":"up","ts_ms":1,"value":)";
    REQUIRE(line.starts_with(head));
    return line.substr(head.size(), line.size() - head.size() - 1);
  };
  CHECK(value(Null{}) == "null");
  CHECK(value(int64_t{-5}) == "-5");
  CHECK(value(0.1) == "0.1");
  CHECK(value(-0.0) == "-0");
  CHECK(value(1e300) == "1e+300");
  CHECK(value(std::numeric_limits<double>::quiet_NaN()) == "\"NaN\"");
  CHECK(value(-std::numeric_limits<double>::infinity()) == "\"-Inf\"");
  CHECK(value(true) == "true");
  CHECK(value(std::string("hết \"giờ\"\n")) == R"("hết \"giờ\"\n")");
  CHECK(value(std::string("\xFF")) == "\"\xEF\xBF\xBD\"");
  CHECK(value(Bytes{std::string("\x01\xA0\x00", 3)}) == R"({"hex":"01a000"})");
}
