#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/journey/journey_options.h"
#include "agent/journey/lease.h"
#include "agent/probe/probe.h"
#include "agent/source.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/result.h"

namespace haidang::agent {

struct ProbeSourceOptions {
  std::chrono::milliseconds interval{15000};  // the sampler's
  std::string machine;                        // its id: spreads walks over the province's machines
  std::vector<ProbeOptions> probes;
  std::vector<JourneyOptions> journeys;
  // What the collector lent this machine. Null: nothing, and no journey is walked at all.
  const JourneyLeases* leases = nullptr;
};

// All probes and journeys as one source, "probe". Runs of probes begin in Prepare, shortly before
// the tick that hands their results over; one that takes longer is handed over at the next. Walks
// of journeys have their own times; at most 32 are under way at once. Loads libcurl: an Error where
// it is not installed. `loop`, `clock` and the leases must outlive the source.
Result<std::unique_ptr<Source>> MakeProbeSource(Loop& loop, const Clock& clock,
                                                ProbeSourceOptions options, Lookup lookup);

// Whether probes can be made here: an Error where libcurl is not installed.
Status CheckProbing();

}  // namespace haidang::agent
