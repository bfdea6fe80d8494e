// docs/wire-format.md's worked examples are what the encoder writes.

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "core/histogram.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"

using namespace haidang;
using namespace haidang::sparkplug;

namespace {

// The hex digits of the document's code block that follows `<!-- example: name -->`, without what
// stands behind a `#` on each line.
std::string Example(const std::string& name) {
  std::ifstream file(HAIDANG_DOCS "/wire-format.md");
  REQUIRE(file.good());
  std::string line;
  std::string hex;
  bool found = false;
  int fences = 0;
  while (std::getline(file, line) && fences < 2) {
    if (line == "<!-- example: " + name + " -->") found = true;
    if (!found) continue;
    if (line.starts_with("```")) {
      ++fences;
    } else if (fences == 1) {
      for (const char c : line.substr(0, line.find('#'))) {
        if (c != ' ') hex += c;
      }
    }
  }
  REQUIRE(fences == 2);
  return hex;
}

std::string Hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

Batch ExampleBatch() {
  Batch batch;
  batch.header.spool_id = 0x1122334455667788;
  batch.header.number = 42;
  batch.header.boot_id = 0x0102030405060708;
  batch.header.since_boot_ms = 90'000;
  batch.header.wall_ms = 1'760'000'000'000;
  batch.header.groups = 3;
  batch.header.full = true;
  batch.samples = {{32, 0.5}, {33, uint64_t{300}}, {34, Null{}}};
  return batch;
}

}  // namespace

TEST_CASE("the documented batch is what is written") {
  Batch batch = ExampleBatch();
  const std::string encoded = EncodeBatch(batch);
  CHECK(Hex(SealBatch(encoded, 7, false)) == Example("batch"));
  const std::string historical = Hex(SealBatch(encoded, 7, true));
  CHECK_THAT(historical, Catch::Contains(Example("historical")));
}

TEST_CASE("the documented events, histogram, death and commands are what is written") {
  CHECK(Hex(EncodeEvents(std::vector<Event>{
            {1'760'000'000'000, "probe_failed", "mot-cua", "hết giờ"}})) == Example("events"));
  Histogram histogram;
  for (const double value : {0.0, 0.5, 1.0, 1.0}) histogram.Observe(value);
  CHECK(Hex(histogram.Encode()) == Example("histogram"));
  CHECK(Hex(EncodeDeath(17, 1'760'000'000'000)) == Example("death"));
  const Committed committed{
      0xAA, 0x1122334455667788, 40, {{42, 42}, {50, 52}}, 42, 1'760'000'000'100, 1'760'000'000'200,
      52,   0x0807060504030201};
  CHECK(Hex(EncodeCommitted(committed)) == Example("committed"));
  CHECK(Hex(EncodeRebirth(1'760'000'000'200)) == Example("rebirth"));
  CHECK(Hex(EncodeJourneys(std::vector<Lease>{{"mot-cua", 60}}, 1'760'000'000'200)) ==
        Example("journeys"));
}

TEST_CASE("the documented births' metric is what is written") {
  Birth birth;
  birth.timestamp_ms = 1'760'000'000'000;
  birth.spool_id = 1;
  birth.held = {{1, 1, 1, ""}};
  birth.groups = {"filesystem"};
  BirthSeries series;
  series.series = {"node_filesystem_avail_bytes", {{"mountpoint", "/"}}};
  series.alias = 33;
  series.datatype = DataType::kUInt64;
  series.unit = "bytes";
  series.value = uint64_t{300};
  birth.series = {series};
  CHECK_THAT(Hex(EncodeBirth(birth)), Catch::Contains(Example("series")));
}
