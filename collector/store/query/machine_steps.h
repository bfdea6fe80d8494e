#pragma once

#include "collector/store/query/budget.h"
#include "collector/store/query/groups.h"
#include "collector/store/query/level_walk.h"
#include "collector/store/query/selection.h"

namespace haidang::store {

// Evaluates one machine's series step by step, each where it stood, and gives them to `groups`.
// Required: `selected` holds numbers alone.
Status ReadNumberSteps(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                       const StepGrid& grid, Budget& budget, Groups& groups);

// The same of histograms. Required: `selected` holds histograms alone.
Status ReadHistogramSteps(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                          const StepGrid& grid, Budget& budget, Groups& groups);

}  // namespace haidang::store
