#include "collector/machine.h"

#include <algorithm>
#include <utility>

namespace haidang::collector {

Spool* Machine::FindSpool(uint64_t spool_id) const {
  if (live != nullptr && live->row.spool_id == spool_id) return live;
  for (const auto& spool : spools) {
    if (spool->row.spool_id == spool_id) return spool.get();
  }
  return nullptr;
}

Spool* Machine::SpoolByRow(int64_t id) const {
  for (const auto& spool : spools) {
    if (spool->row.id == id) return spool.get();
  }
  return nullptr;
}

Layout* Machine::FindLayout(int64_t id) const {
  for (const auto& layout : layouts) {
    if (layout->id == id) return layout.get();
  }
  return nullptr;
}

void Machine::SeriesChanged() {
  roles = FindRoles(slots);
  ++slots_version;
}

bool Share::Take(size_t bytes, size_t bytes_per_day, int64_t mono_ms) {
  constexpr double kDayMs = 24.0 * 3600 * 1000;
  const auto a_day = static_cast<double>(bytes_per_day);
  const auto elapsed = static_cast<double>(mono_ms - std::exchange(at_ms_, mono_ms));
  used_ = std::max(0.0, used_ - elapsed / kDayMs * a_day);
  if (used_ + static_cast<double>(bytes) > kDays * a_day) return false;
  used_ += static_cast<double>(bytes);
  return true;
}

bool Machine::Fresh(Moment now) const {
  if (!presence.online() || !received_mono_ms) return false;
  return now.mono_ms - *received_mono_ms <= Presence::kSilentIntervals * row.interval_ms;
}

}  // namespace haidang::collector
