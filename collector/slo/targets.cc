#include "collector/slo/targets.h"

#include <algorithm>

namespace haidang::slo {
namespace {

bool Names(const std::vector<query::Objective>& objectives, const query::Objective& other) {
  return std::any_of(objectives.begin(), objectives.end(), [&](const query::Objective& one) {
    return one.journey == other.journey && one.step == other.step;
  });
}

}  // namespace

std::string_view ToString(Kind kind) { return kind == Kind::kLatency ? "latency" : "availability"; }

std::vector<Target> TargetsOf(const std::vector<query::Objective>& served,
                              const std::vector<query::Objective>& own, size_t& left_out) {
  std::vector<query::Objective> objectives = served;
  for (const query::Objective& objective : own) {
    if (!Names(served, objective)) objectives.push_back(objective);
  }
  std::vector<Target> targets;
  left_out = 0;
  const auto add = [&](Target target) {
    if (targets.size() < kMaxTargets) {
      targets.push_back(std::move(target));
    } else {
      ++left_out;
    }
  };
  for (const query::Objective& objective : objectives) {
    if (objective.share) {
      Target target{objective.journey, objective.step, Kind::kLatency, *objective.share,
                    objective.seconds};
      for (const query::Objective& other : objectives) {
        const bool of_a_step = other.journey == objective.journey && !other.step.empty();
        if (objective.step.empty() && of_a_step) target.without.push_back(other.step);
      }
      add(std::move(target));
    }
    if (objective.availability) {
      add({objective.journey, objective.step, Kind::kAvailability, *objective.availability});
    }
  }
  return targets;
}

}  // namespace haidang::slo
