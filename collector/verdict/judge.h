#pragma once

#include <string>
#include <vector>

#include "collector/verdict/scene.h"
#include "core/query_journeys.h"

namespace haidang::verdict {

// One cause of trouble of one step, as far as can be told, and who has it.
struct Ruling {
  size_t step = 0;             // index into Scene::steps
  std::vector<size_t> points;  // of that step, never none
  query::Culprit culprit = query::Culprit::kUnknown;
  query::Certainty certainty = query::Certainty::kUnknown;
  std::string name;                       // of the service, or of the machine that is busy
  std::vector<query::Sentence> evidence;  // without a summary
};

// Decides for every step that is in trouble where its time is lost. "Certain" needs evidence of its
// own for the place and measurements that speak against every other one: at least two other sites
// that were measured since, and the ways there. What is only probable is "likely", what contradicts
// itself or is not known "unknown". Pure; by step.
std::vector<Ruling> Judge(const Scene& scene);

}  // namespace haidang::verdict
