#include "agent/journey/walk_once.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "agent/journey/walk.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

// The waterfall's order: what came before the last request stands first.
std::array<double, kWaterfallPhases> InOrder(const PhaseTimes& times) {
  return {Seconds(times.us[kRedirect]),   Seconds(times.us[kResolve]),
          Seconds(times.us[kConnect]),    Seconds(times.us[kTls]),
          Seconds(times.us[kProcessing]), Seconds(times.us[kTransfer])};
}

void Describe(const ProbeResult& result, int64_t begin_us, int64_t wall_ms, WalkedStep& step) {
  step.walked = true;
  step.reason = ToString(result.reason);
  step.detail = result.detail;
  step.status = result.status;
  step.bytes = result.body_bytes;
  step.begin_s = Seconds(begin_us);
  step.phases_s = InOrder(result.times);
  for (const int64_t hop : result.hops_us) step.hops_s.push_back(Seconds(hop));
  if (result.version > 0) step.protocol = result.version == 1.0 ? "HTTP/1.0" : "HTTP/1.1";
  step.address = result.address;
  if (result.cert_expiry != 0) {
    step.cert_days =
        (static_cast<double>(result.cert_expiry) - static_cast<double>(wall_ms) / 1e3) / 86400;
  }
}

// The probes of a journey as its steps.
JourneyOptions JourneyOfProbes(const std::vector<ProbeOptions>& probes, const std::string& name) {
  JourneyOptions journey;
  journey.name = name;
  for (const ProbeOptions& probe : probes) {
    if (probe.journey != name) continue;
    StepOptions step;
    step.rules = probe;
    journey.steps.push_back(std::move(step));
  }
  return journey;
}

std::string KnownNames(const Options& options) {
  std::set<std::string> names;
  for (const JourneyOptions& journey : options.journeys) names.insert(journey.name);
  for (const ProbeOptions& probe : options.probes) names.insert(probe.journey);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "none: the configuration has no [[journey]] and no [[probe]]" : all;
}

}  // namespace

Result<WalkedOnce> WalkOnce(const Options& options, const std::string& name,
                            const WaterfallOptions& look) {
  const auto found =
      std::find_if(options.journeys.begin(), options.journeys.end(),
                   [&](const JourneyOptions& journey) { return journey.name == name; });
  const JourneyOptions journey =
      found != options.journeys.end() ? *found : JourneyOfProbes(options.probes, name);
  if (journey.steps.empty()) {
    return Error{"there is no journey \"" + Printable(name, 64) +
                 "\"; allowed: " + KnownNames(options)};
  }
  auto api = CurlApi::Load();
  if (!api) return api.error();
  const SystemClock clock;
  const auto loop = MakeLoop();
  Http http(**api, *loop, clock);
  Resolver resolver(*loop, LookUpNow);
  Walk walked{journey.name, {}};
  for (const StepOptions& step : journey.steps) {
    walked.steps.push_back({.name = step.rules.step, .walked = false});
  }
  bool failed = false;
  JourneyWalk walk(journey, {**api, *loop, clock, http, resolver});
  walk.Begin(
      [&](size_t step, int64_t begin_us, const ProbeResult& result) {
        Describe(result, begin_us, clock.WallMs(), walked.steps[step]);
        failed = failed || result.reason != ProbeReason::kNone;
      },
      [&] { loop->Stop(); });
  loop->Run();
  return WalkedOnce{DrawWaterfall(walked, look), !failed};
}

}  // namespace haidang::agent
