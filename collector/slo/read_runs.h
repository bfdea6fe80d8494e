#pragma once

#include <cstdint>
#include <functional>

#include "collector/slo/run_counts.h"
#include "collector/slo/targets.h"
#include "collector/store/reader.h"
#include "core/result.h"

namespace haidang::slo {

// Puts into `counts` what all machines told of the target's runs, for the steps that begin in
// [from_ms, to_ms]; where it fails they stay as they were. `counts` was advanced to `to_ms`. The
// reader's thread. `cancelled` as QueryControl has it.
Status ReadRuns(store::Reader& reader, const Target& target, int64_t from_ms, int64_t to_ms,
                const std::function<bool()>& cancelled, RunCounts& counts);

}  // namespace haidang::slo
