#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/journey/lease.h"
#include "agent/options.h"
#include "agent/source.h"
#include "agent/sources.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/result.h"

namespace haidang::agent {

// What sources are made of. All must outlive them.
struct SourceTools {
  Loop& loop;
  const Clock& clock;
  std::string root;  // "/" but in tests and containers; ends in a slash
  std::function<AgentStats()> stats;
  std::string state_directory = {};  // for what sources remember; "": they remember nothing
  // What the collector lent this machine; null: no journey is walked.
  const JourneyLeases* leases = nullptr;
};

// The sources that `options` do not switch off and that have something to read, in the order of
// AllSources(). An Error where one cannot work at all (a library is missing).
Result<std::vector<std::unique_ptr<Source>>> MakeSources(const Options& options,
                                                         const SourceTools& tools);

}  // namespace haidang::agent
