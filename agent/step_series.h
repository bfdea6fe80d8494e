#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/journey/journey_options.h"
#include "agent/probe/probe.h"
#include "core/config.h"

namespace haidang::agent {

// How many series the steps that are configured come to, of the kMaxSeries that a machine may have.
struct StepSeries {
  size_t certain = 0;   // once servers have answered: of what this machine walks in any case
  size_t possible = 0;  // were it lent all journeys, and redirected as often as it may be
};

StepSeries SeriesOfProbe(const ProbeOptions& probe);
StepSeries SeriesOfJourney(const JourneyOptions& journey);

// Notes a fault in `root` where steps leave the machine's other series no room for certain. Where
// they may, and for certain do not, what to tell the operator. Required: both were read from
// `root`.
std::optional<std::string> CheckStepSeries(ConfigTable& root,
                                           const std::vector<ProbeOptions>& probes,
                                           const std::vector<JourneyOptions>& journeys);

}  // namespace haidang::agent
