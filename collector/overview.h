#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/fleet.h"
#include "collector/places.h"
#include "core/query.h"

namespace haidang::collector {

// What the overview says of one machine at `now`: values only where they are fresh and `current`,
// that is, where something can arrive and be stored. Loop thread.
query::MachineNow DescribeMachine(const Machine& machine, const Places& places,
                                  const std::vector<query::Objective>& own_objectives, Moment now,
                                  bool current);

// Every machine that was ever born, by site, then name. Loop thread.
std::vector<query::MachineNow> DescribeMachines(const Fleet& fleet, const Places& places,
                                                const std::vector<query::Objective>& own_objectives,
                                                Moment now, bool current);

// The server's objective, else the collector's own; null where there is none.
const query::Objective* ObjectiveOf(const Places& places,
                                    const std::vector<query::Objective>& own_objectives,
                                    std::string_view journey, std::string_view step);

}  // namespace haidang::collector
