#pragma once

#include <string>
#include <string_view>

#include "collector/places.h"
#include "core/sample.h"

namespace haidang::collector {

// How a series' own label is called outside: instance, site, site_name and class are the machine's,
// and le the buckets'; an own label of such a name is told as exported_<name>. `own` holds all of
// the series' labels, because names must stay unique.
std::string ToldName(const std::string& name, const Labels& own);

// The labels under which a machine's series is told outside, on /metrics/fleet as in remote write:
// the machine's, and the series' own. Values may be empty, which means the same as no such label.
Labels ToldLabels(const Labels& own, std::string_view machine, const Place& place);

// Whether a metric of an agent may be told: Prometheus has to accept its name, and it must not be
// one of the collector's own about machines (kMachineUp, kMachineState).
bool MayBeTold(std::string_view metric);

inline constexpr std::string_view kMachineUp = "haidang_machine_up";
inline constexpr std::string_view kMachineState = "haidang_machine_state";

}  // namespace haidang::collector
