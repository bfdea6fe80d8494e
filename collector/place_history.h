#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/places.h"
#include "collector/store/sample_walk.h"

namespace haidang::collector {

// A stretch of time in which a machine's place, its site's name and its class were the same.
struct PlaceSpan {
  int64_t from_ms = 0;  // inclusive
  int64_t to_ms = 0;    // inclusive
  Place place;
};

// The range [from_ms, to_ms] as stretches without holes, ascending. What births told begins to hold
// with the first of them: what a machine recorded before its first birth came stands where that
// says.
std::vector<PlaceSpan> PlaceHistory(const Places& places, const std::string& machine,
                                    const std::vector<store::InfoSpan>& told, int64_t from_ms,
                                    int64_t to_ms);

}  // namespace haidang::collector
