#include "collector/complaints.h"

#include <utility>

#include "core/log.h"

namespace haidang::collector {

bool Complaints::Met(std::string_view kind) {
  const int64_t now_ns = clock_.MonotonicNs();
  const auto known = kinds_.find(kind);
  if (known == kinds_.end()) {
    kinds_.emplace(kind, Kind{now_ns, 0});
    return true;
  }
  Kind& of = known->second;
  if (of.held_back > 0 || now_ns - of.said_ns < kEveryNs) {
    ++of.held_back;
    return false;
  }
  of.said_ns = now_ns;
  return true;
}

void Complaints::Tick() {
  const int64_t now_ns = clock_.MonotonicNs();
  for (auto& [kind, of] : kinds_) {
    if (of.held_back == 0 || now_ns - of.said_ns < kEveryNs) continue;
    spdlog::warn("{} ({}): {} more in the last minute", about_, kind,
                 std::exchange(of.held_back, 0));
    of.said_ns = now_ns;
  }
}

}  // namespace haidang::collector
