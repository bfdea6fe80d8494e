#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/chunk/presence.h"
#include "core/result.h"

namespace haidang::store {

// What one series has at each tick of a chunk.
struct ValueColumn {
  std::vector<double> values;      // one a tick; a quiet NaN where it has none
  std::vector<Presence> presence;  // one a tick, or empty: every tick has a value
};

// Every bit pattern of a value comes back, NaN's payload and the sign of zero too; `values` where
// there is none are not looked at. The same bytes on every machine. Required: not empty; `presence`
// as long as `values`, or empty where every tick has a value.
std::string EncodeValues(std::span<const double> values, std::span<const Presence> presence);

// Replaces what `column` holds. Allocates at most 64 bytes times `max_ticks`, whatever the chunk
// says.
Status DecodeValues(std::string_view chunk, size_t max_ticks, ValueColumn& column);

}  // namespace haidang::store
