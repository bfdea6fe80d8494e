#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/query.h"
#include "core/query_journeys.h"

// All that a verdict is reached from, at one moment. Plain data; times are the collector's wall
// clock in milliseconds. Absent is unknown.
namespace haidang::verdict {

enum Phase : size_t { kResolve, kConnect, kTls, kProcessing, kTransfer, kRedirect };
using Phases = std::array<std::optional<double>, query::kStepPhases.size()>;  // seconds

// Ratios in [0, 1] over the last half minute or so.
enum Load : size_t {
  kCpu,         // busy
  kMemory,      // used
  kWaitCpu,     // something waits for a processor
  kWaitMemory,  // …for memory
  kWaitDisk,    // …for a disk
  kDisk,        // the busiest disk works
  kLoads,
};
using Loads = std::array<std::optional<double>, kLoads>;

enum class Way : uint8_t { kGateway, kHub, kHost };

struct PathNow {
  Way way = Way::kGateway;
  std::string target;
  std::optional<bool> success;      // of the last round of trials
  std::optional<double> rtt;        // seconds
  std::optional<double> usual_rtt;  // absent: it has not answered often enough
  double sent = 0;                  // over the last minute
  double lost = 0;
  double sent_since = 0;  // since the machine's trouble began
  double lost_since = 0;
  std::optional<double> usual_loss;
  bool mtu_problem = false;
  bool ever = false;  // it has answered before
  int64_t at_ms = 0;  // receipt of the last round
};

struct NameNow {
  std::string name;
  std::optional<bool> success;
  std::optional<double> seconds;
  std::optional<double> usual_seconds;
  bool ever = false;
  int64_t at_ms = 0;
};

struct MachineNow {
  std::string machine;
  std::string site;
  std::string site_name;
  query::State state = query::State::kSilent;
  int64_t state_since_ms = 0;
  bool fresh = false;  // its values are of now
  int64_t interval_ms = 15000;
  Loads loads;
  Loads usual_loads;
  std::string disk;                      // the busiest
  std::optional<double> clock_offset;    // seconds ahead of the collector's
  std::optional<double> clock_error;     // the most by which that is wrong
  std::optional<double> network_errors;  // a second, of all its network devices
  bool carrier_lost = false;             // a cable was unplugged within the last two minutes
  std::vector<PathNow> paths;
  std::vector<NameNow> names;
  std::vector<std::string>
      failed;  // checks, services and processes that are not as they ought to be
  std::vector<std::string> serves;  // journeys whose system it is part of, or services behind
};

// A step as one machine walked it last; where it is in trouble, as it was when that showed last.
struct Point {
  size_t machine = 0;    // index into Scene::machines
  bool current = false;  // its run counts as now
  bool success = false;
  std::optional<double> seconds;
  std::optional<double> usual_seconds;
  Phases phases;
  Phases usual_phases;
  std::string reason;
  std::string address;
  std::optional<int> status;
  bool slow = false;          // the last run was
  bool bad = false;           // in trouble: fails, or is slow again and again
  int bad_runs = 0;           // of the last four
  int64_t since_ms = 0;       // when its trouble was seen first; 0 where there is none
  int64_t at_ms = 0;          // receipt of the last run
  int64_t began_ms = 0;       // when that began at the latest; 0 unknown
  int64_t well_began_ms = 0;  // the one before it, where both are well; 0 unknown
  bool address_well = false;  // somebody was well at this address before
};

struct Step {
  std::string journey;
  std::string step;
  std::vector<std::string> depends_on;
  std::vector<Point> points;
};

struct Scene {
  int64_t now_ms = 0;
  std::vector<MachineNow> machines;
  std::vector<Step> steps;  // by journey, then as they are walked
};

}  // namespace haidang::verdict
