#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::store {

// A machine's tick times of a chunk, in milliseconds, shared by all its series: how far each lies
// off an even grid. Any times, also such that go back. Required: not empty.
std::string EncodeTicks(std::span<const int64_t> times_ms);

// Replaces what `times_ms` holds; at most `max_ticks` of them.
Status DecodeTicks(std::string_view chunk, size_t max_ticks, std::vector<int64_t>& times_ms);

}  // namespace haidang::store
