#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sparkplug/lease.h"

namespace haidang::agent {

// The journeys that this machine walks for its site: what the collector said last. Who lost the
// collector goes on with what it has; who starts has none. Loop thread only.
class JourneyLeases {
 public:
  // Takes the place of all that was said before.
  void Set(const std::vector<sparkplug::Lease>& leases) {
    intervals_.clear();
    for (const sparkplug::Lease& lease : leases) {
      intervals_.insert_or_assign(lease.journey, lease.interval_seconds);
    }
  }

  // Seconds; nothing where it is not this machine's turn.
  std::optional<double> IntervalOf(std::string_view journey) const {
    const auto found = intervals_.find(journey);
    return found == intervals_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, double, std::less<>> intervals_;
};

}  // namespace haidang::agent
