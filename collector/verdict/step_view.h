#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/verdict/clues.h"
#include "collector/verdict/judge.h"
#include "collector/verdict/scene.h"

// One step of a scene, prepared for judging. Pure.
namespace haidang::verdict {

// How many of the last four runs confirm a trouble.
inline constexpr int kConfirmed = 2;
// Sites that must be well, or share it, before anything is certain.
inline constexpr size_t kNeighbours = 2;

struct StepView {
  StepView(const Scene& whole, size_t index);

  const Scene& scene;
  size_t index;
  const Step& step;
  std::vector<size_t> bad;     // points in trouble that are current
  std::vector<Excess> excess;  // by point
  Phases well_phases;          // medians of those that are well

  const Point& point(size_t i) const { return step.points[i]; }
  const MachineNow& machine(size_t i) const { return scene.machines[step.points[i].machine]; }
  // Its code, or the machine's name where it has none.
  const std::string& site(size_t i) const;
  std::set<std::string_view> SitesOf(const std::vector<size_t>& points) const;
  // Points of other sites than `points` that are well, by runs that began after `since_ms`.
  std::vector<size_t> WellSince(int64_t since_ms, const std::vector<size_t>& points) const;
  int64_t Since(const std::vector<size_t>& points) const;
  bool Confirmed(const std::vector<size_t>& points) const;
  // The connection was made as fast as ever: of this step, or where it went on with another step's,
  // of that one. False where that is not known.
  bool ReachedAsUsual(size_t i) const;

 private:
  std::vector<bool> others_reached_;  // by machine
};

// Its last run is known and well, and none of those before it was in trouble.
bool IsWell(const Point& point);

// What explains the trouble of one point by itself.
struct Local {
  enum class Kind { kNone, kAgent, kClock, kStarved, kNetwork, kHub, kNames };
  Kind kind = Kind::kNone;
  query::Culprit culprit = query::Culprit::kUnknown;
  bool solid = false;  // every other place is excluded by what was measured here
  std::vector<query::Sentence> evidence;
};
Local LocalCause(const StepView& view, size_t point);
// Whether the same is measured at that machine, whatever its steps do.
bool Shows(Local::Kind kind, const MachineNow& machine);
bool Knows(Local::Kind kind, const MachineNow& machine);

// A group that no local cause explains. `others`: all points in trouble, for what is the same.
Ruling JudgeShared(const StepView& view, std::vector<size_t> points);
// At one site only.
Ruling JudgeSingle(const StepView& view, std::vector<size_t> points);

// Whether the system itself or a service behind it, of a step that many sites have trouble with.
struct Behind {
  query::Culprit culprit = query::Culprit::kUnknown;
  bool proven = false;       // by the machines behind, or by the other steps
  bool system_busy = false;  // one of its machines is in trouble
  std::string name;
  std::vector<query::Sentence> evidence;
};
Behind LookBehind(const StepView& view, const std::vector<size_t>& points);

// Evidence that every ruling begins with: phases or the reason, and who else has it.
std::vector<query::Sentence> CommonEvidence(const StepView& view,
                                            const std::vector<size_t>& points);
std::optional<double> MedianOf(const std::vector<std::optional<double>>& values);

}  // namespace haidang::verdict
