#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/query.h"

namespace haidang::slo {

enum class Kind : uint8_t { kLatency, kAvailability };
std::string_view ToString(Kind kind);  // "latency", "availability"

// What is promised of a journey's runs.
struct Target {
  std::string journey;
  std::string step;  // "": kLatency: of each step; kAvailability: of the journey as a whole
  Kind kind = Kind::kLatency;
  double share = 0;    // that has to be good, in (0, 1)
  double seconds = 0;  // of kLatency: a run is good that succeeds within them
  // Of kLatency without a step: steps that have an objective of their own, and do not count here.
  std::vector<std::string> without = {};
  bool operator==(const Target&) const = default;
};

inline constexpr size_t kMaxTargets = 128;

// The targets of the server's objectives, and of the collector's own where the server has none for
// that journey and step. At most kMaxTargets; `left_out` tells how many more there were.
std::vector<Target> TargetsOf(const std::vector<query::Objective>& served,
                              const std::vector<query::Objective>& own, size_t& left_out);

}  // namespace haidang::slo
