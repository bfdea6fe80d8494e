#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/fleet/generated_source.h"
#include "tests/support/fleet/returning_agent.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::fleet;

namespace {

std::vector<Value> ReadOnce(GeneratedSource& source) {
  std::vector<Reading> readings;
  std::vector<Event> events;
  REQUIRE(source.Read(0, readings, events));
  std::vector<Value> values;
  values.reserve(readings.size());
  for (Reading& reading : readings) values.push_back(std::move(reading.value));
  return values;
}

}  // namespace

TEST_CASE("made-up readings follow from the seed, and as many change as were wished") {
  GeneratedSource one(100, 0.25, 7);
  GeneratedSource same(100, 0.25, 7);
  GeneratedSource other(100, 0.25, 8);
  std::vector<Value> before = ReadOnce(one);
  CHECK(before == ReadOnce(same));
  CHECK(before != ReadOnce(other));
  size_t changed = 0;
  for (int tick = 0; tick < 100; ++tick) {
    const std::vector<Value> now = ReadOnce(one);
    REQUIRE(now == ReadOnce(same));
    for (size_t i = 0; i < now.size(); ++i) changed += now[i] != before[i] ? 1 : 0;
    before = now;
  }
  CHECK(changed > 2300);
  CHECK(changed < 2700);
  GeneratedSource still(10, 0, 7);
  before = ReadOnce(still);
  CHECK(ReadOnce(still) == before);
}

TEST_CASE("an agent lives through an outage on its grid, and its ledger says what it read") {
  testing::TempDir directory;
  const auto loop = MakeLoop();
  MovedClock clock;
  ReturningAgentOptions options;
  options.machine = "may-1";
  options.group = "g";
  options.directory = directory.path();
  options.ledger = directory.path() + "/ledger";
  options.series = 60;
  const int64_t now = clock.WallMs();
  const int64_t from = now - 3'600'000;
  clock.MoveTo(from);
  auto agent = ReturningAgent::Open(options, *loop, clock, [] { return 0.5; });
  INFO((agent ? "" : agent.error().message));
  REQUIRE(agent);
  REQUIRE((*agent)->LiveThrough(from, now));
  CHECK((*agent)->recorded() == 240);
  CHECK((*agent)->waiting() == 240);
  REQUIRE((*agent)->LiveThrough(from, now + 60'000));
  CHECK((*agent)->waiting() == 244);
  CHECK((*agent)->stats().sent_batches == 0);

  std::map<int64_t, size_t> lines;  // by time
  std::ifstream file(options.ledger);
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find("\"ts_ms\":");
    REQUIRE(at != std::string::npos);
    ++lines[std::stoll(line.substr(at + 8))];
  }
  REQUIRE(lines.size() == 244);
  const int64_t first = lines.begin()->first;
  CHECK(first > from);
  CHECK(first <= from + 15'000);
  for (const auto& [ts_ms, count] : lines) {
    CHECK((ts_ms - first) % 15'000 == 0);
    if ((ts_ms - first) % 600'000 == 0) CHECK(count == 62);  // a full batch: all, and the sampler's
  }
}
