#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/query_journeys.h"
#include "tests/collector/verdict_world.h"

namespace haidang::verdict::testing {

// Something that is done to the province, and the places that may be blamed for it.
struct Fault {
  const char* name;
  std::set<query::Culprit> right;
  std::function<void(Province&)> inject;
  bool telling = true;  // with everything measured it can be told
};

const std::vector<Fault>& Faults();

}  // namespace haidang::verdict::testing
