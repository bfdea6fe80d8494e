#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// What the collector says of journeys: how each step goes at each site, where it is slow and why,
// how objectives are kept. Answer of GET /query/v1/journeys.
namespace haidang::query {

inline constexpr std::array<std::string_view, 6> kStepPhases = {
    "resolve", "connect", "tls", "processing", "transfer", "redirect"};

// Where the time of a slow or failing step is lost. On the wire by name.
enum class Culprit : uint8_t {
  kUnknown,  // "unknown": cannot be told
  kMachine,  // "machine": the machine that walks the journey
  kSite,     // "site": the site's own network
  kLink,     // "link": between the site and the province, or the province's own network
  kSystem,   // "system": the one-stop system itself
  kService,  // "service": a service behind it, which the step depends on
};
std::string_view ToString(Culprit culprit);
std::optional<Culprit> ParseCulprit(std::string_view text);

// How sure that is. On the wire by name: "unknown", "likely", "certain".
enum class Certainty : uint8_t { kUnknown, kLikely, kCertain };
std::string_view ToString(Certainty certainty);
std::optional<Certainty> ParseCertainty(std::string_view text);

// A sentence for people, with its numbers.
struct Sentence {
  std::string vi;
  std::string en;
  bool operator==(const Sentence&) const = default;
};

struct Verdict {
  Culprit culprit = Culprit::kUnknown;
  Certainty certainty = Certainty::kUnknown;
  std::string name;  // of the service, or of the machine of the system that is busy; may be ""
  Sentence summary;  // "Since 09:12 sign-in takes 6.8 s instead of 1.1 s, in 31 of 54 sites; …"
  std::vector<Sentence> evidence;
  bool operator==(const Verdict&) const = default;
};

// How a step went the last time at a site, measured by `machine`. Absent is unknown.
struct StepAtSite {
  std::string site;
  std::string site_name;
  std::string machine;
  std::optional<bool> success;
  std::optional<double> seconds;
  std::optional<double> usual_seconds;
  std::array<std::optional<double>, kStepPhases.size()> phases;        // seconds
  std::array<std::optional<double>, kStepPhases.size()> usual_phases;  // seconds
  std::string reason;   // of failure; "" where it succeeded
  std::string address;  // that it spoke to
  bool slow = false;    // beyond its objective, or far from what is usual
  int64_t at_ms = 0;    // collector's clock: receipt of the newest run
};

struct StepNow {
  std::string journey;
  std::string step;
  std::vector<std::string> depends_on;
  std::vector<StepAtSite> sites;  // by site, then machine
};

// A step that is slow or fails, with one cause as far as can be told: the sites that share it.
struct JourneyTrouble {
  std::string journey;
  std::string step;
  bool failing = false;                 // else slow
  std::string reason;                   // the most frequent one of failures
  int64_t since_ms = 0;                 // collector's clock
  std::vector<std::string> sites;       // codes of those that have it
  int64_t sites_measured = 0;           // that have a run of this step that is known
  std::optional<double> seconds;        // median of those sites now
  std::optional<double> usual_seconds;  // median of what is usual there
  Verdict verdict;
};

// Which machine walks a journey for its site.
struct JourneyLease {
  std::string journey;
  std::string site;
  std::string machine;  // "": nobody can
  double interval_seconds = 0;
};

struct JourneyLoad {
  std::string journey;
  double requests_per_second = 0;  // that the province sends, measured
  double allowed_per_second = 0;   // bound for all of the province
};

// How much of an objective's error budget is left, over working time.
struct BurnRate {
  std::string window;  // "5m", "30m", "1h", "6h", "3d", "30d" of working time
  // 1: the budget is used up just at the end of the objective's 30 days; absent: no run.
  std::optional<double> rate;
};
struct ObjectiveNow {
  std::string journey;
  std::string step;                         // "" is every step of the journey
  std::string kind;                         // "latency", "availability"
  double target = 0;                        // share that has to be good, e.g. 0.95
  std::optional<double> seconds;            // of "latency": what counts as fast enough
  std::optional<double> good_ratio;         // over 30 days of working time; absent: no run
  std::optional<double> budget_left_ratio;  // 1: unused, 0: used up, below 0: overdrawn
  std::vector<BurnRate> burn;
  std::string alarm;  // "page" (fast burn), "ticket" (slow burn), ""
};

struct JourneysNow {
  int64_t now_ms = 0;
  std::vector<StepNow> steps;            // by journey; steps in the order in which they are walked
  std::vector<JourneyTrouble> troubles;  // the widest first
  std::vector<JourneyLease> leases;
  std::vector<JourneyLoad> loads;
  std::vector<ObjectiveNow> objectives;
};

std::string EncodeJourneys(const JourneysNow& journeys);
Result<JourneysNow> DecodeJourneys(std::string_view json);

}  // namespace haidang::query
