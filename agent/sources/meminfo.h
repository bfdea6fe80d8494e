#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// The fields of /proc/meminfo that we report, as (metric, bytes), in the file's order. Fields that
// this kernel does not have are absent; without MemTotal it is an Error.
Result<std::vector<std::pair<std::string, uint64_t>>> ParseMeminfo(std::string_view text);

}  // namespace haidang::agent
