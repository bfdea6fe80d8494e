#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "collector/exposition.h"
#include "collector/store/query/match.h"
#include "core/query.h"

namespace haidang::collector {

// What is now, of all machines: answered from what CopyFleet copied out of the loop thread, on any
// thread.
struct InstantQuestion {
  std::string metric;
  std::string over;  // divides: the metric with the same machine and labels; "": nothing does
  std::vector<store::Matcher> matchers;
  std::optional<size_t> largest;   // so many of the largest values, the largest first
  std::optional<size_t> smallest;  // or of the smallest, the smallest first; else all, by machine
};

// The series that the question needs of each machine.
inline bool IsAskedFor(const InstantQuestion& question, const SeriesDef& def) {
  const std::string& metric = def.row.series.metric;
  return metric == question.metric || (!question.over.empty() && metric == question.over);
}

// A column of one point for each series whose value is known now: its time is when the collector
// received what said so. Ratios by zero are unknown. More than `max_columns` where `largest` and
// `smallest` are not given are refused: the Error says so.
Result<std::vector<query::Column>> AnswerInstant(const FleetNow& fleet,
                                                 const InstantQuestion& question,
                                                 size_t max_columns);

}  // namespace haidang::collector
