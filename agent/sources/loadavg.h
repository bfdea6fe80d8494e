#pragma once

#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// Processes that run or wait, averaged over 1, 5 and 15 minutes.
struct LoadAverage {
  double one = 0;
  double five = 0;
  double fifteen = 0;
};

// /proc/loadavg.
Result<LoadAverage> ParseLoadAverage(std::string_view text);

}  // namespace haidang::agent
