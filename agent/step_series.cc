#include "agent/step_series.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/probe/step_record.h"
#include "agent/series_bound.h"

namespace haidang::agent {
namespace {

// Of a step whose server has answered, by StepRecord.
constexpr size_t kOfStep = 18;
// Of a journey, by JourneyRunner: what its configuration and lease are; how its last walk went.
constexpr size_t kOfJourney = 5, kOfWalk = 3;

void Add(const StepSeries& more, StepSeries& sum) {
  sum.certain += more.certain;
  sum.possible += more.possible;
}

StepSeries SeriesOfStep(const ProbeOptions& rules, bool tls, bool depends) {
  const auto hops = static_cast<size_t>(rules.max_redirects);
  StepSeries series;
  series.certain = kOfStep + (depends ? 1 : 0) + (tls ? 1 : 0);  // the certificate's end
  series.possible =
      series.certain + std::min(hops, StepRecord::kMaxHops) + (!tls && hops > 0 ? 1 : 0);
  return series;
}

}  // namespace

StepSeries SeriesOfProbe(const ProbeOptions& probe) {
  const auto url = ParseUrl(probe.url);
  return SeriesOfStep(probe, url && url->tls, false);
}

StepSeries SeriesOfJourney(const JourneyOptions& journey) {
  StepSeries series{kOfJourney + kOfWalk, kOfJourney + kOfWalk};
  for (const StepOptions& step : journey.steps) {
    // No variable names the scheme.
    const auto url = step.url.Fill([](std::string_view) { return std::string_view("x"); });
    const auto parsed = ParseUrl(url ? *url : "");
    Add(SeriesOfStep(step.rules, parsed && parsed->tls, !step.depends_on.empty()), series);
  }
  if (journey.shared) series.certain = kOfJourney;
  return series;
}

std::optional<std::string> CheckStepSeries(ConfigTable& root,
                                           const std::vector<ProbeOptions>& probes,
                                           const std::vector<JourneyOptions>& journeys) {
  StepSeries sum;
  for (const ProbeOptions& probe : probes) Add(SeriesOfProbe(probe), sum);
  size_t i = 0;
  for (ConfigTable& table : root.Tables("journey", journeys.size())) {
    const JourneyOptions& journey = journeys[i++];
    Add(SeriesOfJourney(journey), sum);
    if (sum.certain <= kMaxSeries) continue;
    table.Fault("step",
                fmt::format("with these steps, what this machine walks in any case has {} series; "
                            "allowed: {} on a machine, all else that it tells included; have fewer "
                            "steps, or share = \"site\"",
                            sum.certain, kMaxSeries));
    return std::nullopt;
  }
  if (sum.possible <= kMaxSeries) return std::nullopt;
  return fmt::format(
      "[[probe]] and [[journey]] come to up to {} series where this machine walks all of them; a "
      "machine has at most {}, and further ones are left out: have fewer steps, or those journeys "
      "alone that this site must walk",
      sum.possible, kMaxSeries);
}

}  // namespace haidang::agent
