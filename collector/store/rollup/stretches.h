#pragma once

#include <algorithm>
#include <vector>

#include "collector/store/rollup/rollup.h"

namespace haidang::store {

// Takes `piece` out of `stretches`, which ascend and are disjoint; answers what it took.
inline std::vector<Stretch> Cut(std::vector<Stretch>& stretches, const Stretch& piece) {
  std::vector<Stretch> taken, left;
  const auto keep = [](std::vector<Stretch>& into, int64_t from_ms, int64_t to_ms) {
    if (from_ms < to_ms) into.push_back({from_ms, to_ms});
  };
  for (const Stretch& stretch : stretches) {
    keep(left, stretch.from_ms, std::min(stretch.to_ms, piece.from_ms));
    keep(taken, std::max(stretch.from_ms, piece.from_ms), std::min(stretch.to_ms, piece.to_ms));
    keep(left, std::max(stretch.from_ms, piece.to_ms), stretch.to_ms);
  }
  stretches = std::move(left);
  return taken;
}

// What follows on what, or overlaps it, as one. Any order.
inline std::vector<Stretch> Joined(std::vector<Stretch> stretches) {
  std::sort(stretches.begin(), stretches.end(),
            [](const Stretch& a, const Stretch& b) { return a.from_ms < b.from_ms; });
  std::vector<Stretch> joined;
  for (const Stretch& stretch : stretches) {
    if (joined.empty() || joined.back().to_ms < stretch.from_ms) {
      joined.push_back(stretch);
    } else {
      joined.back().to_ms = std::max(joined.back().to_ms, stretch.to_ms);
    }
  }
  return joined;
}

}  // namespace haidang::store
