#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "agent/probe/probe.h"
#include "agent/source.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/result.h"

namespace haidang::agent {

// All probes as one source, "probe": runs begin in Prepare, shortly before the tick that hands
// their results over; one that takes longer is handed over at the next. Loads libcurl: an Error
// where it is not installed. `loop` and `clock` must outlive the source. `interval` is the
// sampler's.
Result<std::unique_ptr<Source>> MakeProbeSource(Loop& loop, const Clock& clock,
                                                std::chrono::milliseconds interval,
                                                std::vector<ProbeOptions> probes, Lookup lookup);

// Whether probes can be made here: an Error where libcurl is not installed.
Status CheckProbing();

}  // namespace haidang::agent
