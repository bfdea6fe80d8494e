#include "collector/machine_clock.h"

#include <algorithm>
#include <cstdlib>

namespace haidang::collector {
namespace {

constexpr int64_t kWorthStoring = 100;
constexpr int64_t kMaxSinceBoot = int64_t{100} * 366 * 24 * 3600 * 1000;

bool Plausible(int64_t time_ms, int64_t now_ms) {
  return time_ms >= MachineClock::kEarliest && time_ms <= now_ms + MachineClock::kAhead;
}

}  // namespace

void MachineClock::Load(std::vector<Boot> boots) {
  std::sort(boots.begin(), boots.end(),
            [](const Boot& a, const Boot& b) { return a.seen_ms > b.seen_ms; });
  if (boots.size() > kMaxBoots) boots.resize(kMaxBoots);
  for (const Boot& boot : boots) boots_[boot.boot_id] = {boot, boot.started_ms};
}

bool MachineClock::See(uint64_t boot_id, int64_t since_boot_ms, int64_t received_ms) {
  if (since_boot_ms < 0 || since_boot_ms > kMaxSinceBoot) return false;
  const int64_t started_ms = received_ms - since_boot_ms;
  if (Known* known = FindKnown(boot_id)) {
    known->boot.seen_ms = received_ms;
    if (known->boot.measured) return false;
    known->boot.started_ms = std::min(known->boot.started_ms, started_ms);
    return Moved(*known);
  }
  boots_[boot_id] = {{boot_id, started_ms, false, received_ms}, started_ms};
  if (boots_.size() > kMaxBoots) {
    boots_.erase(std::min_element(boots_.begin(), boots_.end(), [](const auto& a, const auto& b) {
      return a.second.boot.seen_ms < b.second.boot.seen_ms;
    }));
  }
  return true;
}

bool MachineClock::Measure(uint64_t boot_id, int64_t since_boot_ms, int64_t time_ms) {
  Known* known = FindKnown(boot_id);
  if (known == nullptr || since_boot_ms < 0 || since_boot_ms > kMaxSinceBoot) return false;
  const bool first = !known->boot.measured;
  known->boot.measured = true;
  known->boot.started_ms = time_ms - since_boot_ms;
  return Moved(*known) || first;
}

bool MachineClock::Moved(Known& known) {
  if (std::abs(known.boot.started_ms - known.stored_ms) < kWorthStoring) return false;
  known.stored_ms = known.boot.started_ms;
  return true;
}

std::optional<MachineClock::Corrected> MachineClock::Correct(uint64_t boot_id,
                                                             int64_t since_boot_ms, int64_t wall_ms,
                                                             int64_t now_ms) const {
  const Boot* boot = Find(boot_id);
  if (boot == nullptr || since_boot_ms < 0 || since_boot_ms > kMaxSinceBoot) {
    if (!Plausible(wall_ms, now_ms)) return std::nullopt;
    return Corrected{wall_ms, 0};
  }
  const int64_t time_ms = boot->started_ms + since_boot_ms;
  const int64_t offset_ms = wall_ms - time_ms;
  const int64_t late = boot->measured ? kTolerance : kDelay;
  const bool right = offset_ms <= kTolerance && offset_ms >= -late;
  const Corrected corrected = right ? Corrected{wall_ms, 0} : Corrected{time_ms, offset_ms};
  if (!Plausible(corrected.time_ms, now_ms)) return std::nullopt;
  return corrected;
}

const MachineClock::Boot* MachineClock::Find(uint64_t boot_id) const {
  const auto it = boots_.find(boot_id);
  return it == boots_.end() ? nullptr : &it->second.boot;
}

MachineClock::Known* MachineClock::FindKnown(uint64_t boot_id) {
  const auto it = boots_.find(boot_id);
  return it == boots_.end() ? nullptr : &it->second;
}

}  // namespace haidang::collector
