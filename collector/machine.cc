#include "collector/machine.h"

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

bool Machine::Fresh(Moment now) const {
  if (!presence.online() || !received_mono_ms) return false;
  return now.mono_ms - *received_mono_ms <= Presence::kSilentIntervals * row.interval_ms;
}

}  // namespace haidang::collector
