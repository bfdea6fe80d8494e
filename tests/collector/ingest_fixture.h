#pragma once

#include <catch2/catch.hpp>
#include <vector>

#include "tests/collector/world.h"

namespace haidang::collector::testing {

// One machine with two series before a collector that knows nothing yet.
struct IngestFixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t up = agent.Declare({"node_boot_time_seconds", {}}, DataType::kInt64, 1);

  void Born() {
    Receive(agent.Birth());
    REQUIRE(ingest->Commit());
  }
  TestAgent::Tick Tick(uint64_t number, double value, bool full = false) const {
    return {.number = number, .values = {{load, value}}, .full = full};
  }
  std::vector<sparkplug::Committed> Acknowledged() {
    std::vector<sparkplug::Committed> all;
    for (auto& command : TakeCommands("pc-1")) {
      if (command.committed) all.push_back(*command.committed);
    }
    return all;
  }
  int Rebirths() {
    int count = 0;
    for (const auto& command : TakeCommands("pc-1")) count += command.rebirth ? 1 : 0;
    return count;
  }
};

}  // namespace haidang::collector::testing
