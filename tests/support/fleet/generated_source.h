#pragma once

#include <random>
#include <string_view>
#include <vector>

#include "agent/source.h"
#include "core/sparkplug/birth.h"

namespace haidang::fleet {

// Made-up readings: gauges that move freely with two decimals and counters that grow, each with a
// new value at a given share of the ticks, as most of a real machine's series stand still for a
// while. They follow from the seed. Never fails. Loop thread only.
class GeneratedSource final : public agent::Source {
 public:
  // `change`: the share of ticks at which a series changes, 0 to 1.
  GeneratedSource(size_t series, double change, uint64_t seed);

  std::string_view name() const override { return "generated"; }
  Status Read(int64_t wall_ms, std::vector<Reading>& readings, std::vector<Event>& events) override;

 private:
  struct Made {
    sparkplug::BirthSeries declared;
    uint64_t count = 0;  // hundredths where it is a double
  };
  std::vector<Made> series_;
  double change_;
  std::minstd_rand random_;
  bool begun_ = false;
};

}  // namespace haidang::fleet
