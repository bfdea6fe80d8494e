#include "collector/grants.h"

#include <algorithm>
#include <cmath>

namespace haidang::collector {

void Grants::Wants(int64_t machine, int64_t now_ms) { machines_[machine] = {now_ms, 0, 0}; }

void Grants::Came(int64_t machine, int64_t now_ms) {
  if (const auto it = machines_.find(machine); it != machines_.end()) {
    it->second.active_ms = now_ms;
    return;
  }
  if (now_ms - others_since_ms_ > kIdleMs) {
    others_.clear();
    others_since_ms_ = now_ms;
  }
  if (++others_[machine] <= kFew) return;
  others_.erase(machine);
  Wants(machine, now_ms);
}

std::vector<Grants::Grant> Grants::Due(int64_t now_ms) {
  std::erase_if(machines_,
                [&](const auto& item) { return now_ms - item.second.active_ms > kIdleMs; });
  if (machines_.empty()) return {};
  const double even = rates_.total / static_cast<double>(machines_.size());
  const double share = std::clamp(even, rates_.machine_min, rates_.machine);
  std::vector<Grant> due;
  for (auto& [machine, state] : machines_) {
    const bool first = state.told == 0;
    if (!first && now_ms - state.told_ms < kSpacingMs) continue;
    if (!first && std::abs(share - state.told) <= kWorthTelling * state.told) continue;
    state.told = share;
    state.told_ms = now_ms;
    due.push_back({machine, share});
  }
  return due;
}

void Grants::Untold(int64_t machine) {
  const auto it = machines_.find(machine);
  if (it != machines_.end()) it->second.told = 0;
}

}  // namespace haidang::collector
