#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/verdict/scene.h"
#include "core/query_journeys.h"

// Everything that a verdict says, in both languages side by side. Numbers are written as each
// language writes them, times as HH:MM of Viet Nam's clock. Pure.
namespace haidang::verdict::say {

using query::Sentence;

Sentence Join(const std::vector<Sentence>& parts, const char* between);

// How a verdict begins: "Since 09:12 sign-in takes 6.8 s instead of 1.1 s, at 31 of 54 sites".
struct Headline {
  std::string step;
  int64_t since_ms = 0;
  int64_t now_ms = 0;
  bool failing = false;
  std::string reason;
  std::optional<int> status;
  std::optional<double> seconds;
  std::optional<double> usual_seconds;
  size_t sites = 0;
  size_t measured = 0;
  std::string site_name;  // of the only one
};
Sentence Begin(const Headline& headline);
// How it ends: where the time is lost.
Sentence Place(query::Culprit culprit, query::Certainty certainty, const std::string& name,
               const std::string& site_name);
Sentence SameCause(size_t steps);

// Evidence.
Sentence PhasesNow(const Phases& now, const Phases& usual, std::optional<size_t> phase);
Sentence Reason(const std::string& reason, std::optional<int> status);
Sentence SameAt(size_t sites, size_t measured);
Sentence OnlyHere(size_t well);
Sentence NoNeighbours();
Sentence WayBad(const PathNow& path);
Sentence WaysGood(bool gateway, bool hub, bool host);
Sentence HubBadAt(size_t sites, size_t known);
Sentence NamesBad(const MachineNow& machine);
Sentence NamesOfPortalOnly();
Sentence Starved(const MachineNow& machine);
Sentence LoadFine(const MachineNow& machine);
Sentence ClockOff(double seconds);
Sentence NetworkErrors(const MachineNow& machine);
Sentence ServerGone(const MachineNow& machine);
Sentence ServerBusy(const MachineNow& machine);
Sentence ServerFailed(const MachineNow& machine);
Sentence ServersFine(size_t machines);
Sentence AddressSplit(const std::string& bad, const std::string& good);
Sentence StrangeAddress(const std::string& address);
Sentence OnlyDependants(const std::string& service, size_t well_steps);
Sentence OthersToo(size_t steps);
Sentence ProbeOfService(const std::string& service, bool bad);
Sentence ColleagueWell(const std::string& machine);
Sentence AnotherContent();
Sentence Contradiction();
Sentence TooFewFacts();
Sentence ConnectAsUsual();

}  // namespace haidang::verdict::say
