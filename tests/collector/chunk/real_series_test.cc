// What real series take (tests/fixtures/series), so that no change of the encoder makes them larger
// unseen. The bench store-codec has the whole files.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "collector/store/chunk/values.h"
#include "tests/collector/chunk/generators.h"

using namespace haidang::store;
using haidang::store::testing::SameBits;

namespace {

// The second column.
std::vector<double> ReadSeries(const std::string& name) {
  std::ifstream file(HAIDANG_SOURCE_DIR "/tests/fixtures/series/" + name);
  std::vector<double> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    values.push_back(std::strtod(line.c_str() + line.find(',') + 1, nullptr));
  }
  return values;
}

// Bytes a value, in chunks of two hours at 15 s.
double CostOf(const std::string& name) {
  const std::vector<double> values = ReadSeries(name);
  REQUIRE(values.size() >= 1000);
  size_t bytes = 0;
  for (size_t at = 0; at < values.size(); at += 480) {
    const auto part = std::span(values).subspan(at, std::min<size_t>(480, values.size() - at));
    const std::string chunk = EncodeValues(part, {});
    ValueColumn column;
    REQUIRE(DecodeValues(chunk, part.size(), column).ok());
    REQUIRE(SameBits(column.values, part));
    bytes += chunk.size();
  }
  return static_cast<double>(bytes) / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("real series come back, and take no more than they did") {
  CHECK(CostOf("nab/ec2_cpu_utilization_5f5533.csv") < 1.87);
  CHECK(CostOf("nab/speed_7578.csv") < 0.6);
  CHECK(CostOf("nab/machine_temperature_system_failure.csv") < 3.75);
  CHECK(CostOf("rtt/11148.csv") < 2.13);
  CHECK(CostOf("rtt/14206.csv") < 2.58);
  CHECK(CostOf("growth/google+leveldb.csv") < 0.18);
}
