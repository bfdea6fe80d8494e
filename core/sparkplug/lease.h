#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// The text of `Node Control/Journeys` (docs/wire-format.md).
namespace haidang::sparkplug {

// A journey that a site's machines share, which one of them walks for all.
struct Lease {
  std::string journey;
  double interval_seconds =
      0;  // no faster than this; the machine's own interval where that is more
  bool operator==(const Lease&) const = default;
};

inline constexpr size_t kMaxLeases = 128;              // of a machine
inline constexpr size_t kMaxJourneyNameBytes = 256;    // of a journey's name
inline constexpr size_t kMaxLeasesBytes = 128U << 10;  // of the text
inline constexpr double kMinLeaseSeconds = 1;
inline constexpr double kMaxLeaseSeconds = 86400;

// {"lease":[{"journey":"mot-cua","interval_s":60}],"offer":true}. Required: at most kMaxLeases,
// names of UTF-8 within the bound, times within [kMinLeaseSeconds, kMaxLeaseSeconds].
std::string EncodeLeases(std::span<const Lease> leases);

// Of any origin. Keys that are not known are passed over, to a depth of 8. An Error where it is no
// such JSON, lacks "lease", or holds too many leases, a name that is empty, too long or there
// twice, or a time that is no number above 0; times beyond the bounds above become the bound.
Result<std::vector<Lease>> DecodeLeases(std::string_view json);

}  // namespace haidang::sparkplug
