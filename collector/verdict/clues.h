#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "collector/verdict/scene.h"

// What single measurements say, before they are compared with others'. Pure.
namespace haidang::verdict {

// kGrey: neither well nor bad enough to blame.
enum class Health : uint8_t { kUnknown, kGood, kGrey, kBad };

// How a step that is in trouble shows it.
enum class Symptom : uint8_t {
  kNone,
  kNames,        // the name is not found, or late
  kReach,        // no connection, or a late one
  kRefused,      // the machine is there and says no
  kTls,          // the handshake is late or breaks off
  kCertificate,  // expired, of another name, of nobody known
  kAnswer,       // an answer that is wrong
  kProcessing,   // the answer is late
  kTransfer,     // the body is late
  kWide,         // several phases are late
  kMachine,      // the agent itself could not
};

struct Excess {
  Symptom symptom = Symptom::kNone;
  double seconds = 0;             // above what is usual, of all phases
  std::optional<size_t> phase;    // the largest, or at which time ran out
  bool connect_as_usual = false;  // it reached the system as fast as ever
  bool connect_known = false;
  bool everywhere = false;  // most phases are late, each by far
};

// What is slow in it, by phases; or why it fails. `others`: seconds of each phase where it is well,
// for what is not usual yet.
Excess ExcessOf(const Point& point, const Phases& others);

// Of the way there. `since_ms`: a round before says nothing good of now.
Health HealthOf(const PathNow& path, int64_t since_ms, bool sure);
// Of all paths of that way: the worst. A target that never answered says nothing.
Health HealthOf(const MachineNow& machine, Way way, int64_t since_ms, bool sure = false);
// What is lost of it, in [0, 1]: since the trouble began, where that tells enough, else in the last
// minute; 0 where too little is lost to tell.
double LossOf(const PathNow& path);
// It does not answer at all, or loses packets: more than being late.
bool Loses(const MachineNow& machine, Way way);

struct NamesHealth {
  Health health = Health::kUnknown;
  size_t failing = 0, asked = 0;
  bool late = false;  // slow, or no answer in time
};
NamesHealth NamesOf(const MachineNow& machine, int64_t since_ms);

// Of the machine that walks: whether it is starved.
Health LoadOf(const MachineNow& machine);
// Of a machine of the system or of a service: starved, gone, or something of it is not running.
Health ServerOf(const MachineNow& machine, int64_t since_ms);
bool Gone(const MachineNow& machine);
// How wrong the clock surely is; nothing where it may be right or is not known to be wrong.
std::optional<double> ClockWrong(const MachineNow& machine);
bool ClockRight(const MachineNow& machine);
bool TroubledNetwork(const MachineNow& machine);
bool MtuProblem(const MachineNow& machine, Way way);

}  // namespace haidang::verdict
