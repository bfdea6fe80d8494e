#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/wire.h"

// The part of a birth's decoder that rebuilds series.
namespace haidang::sparkplug {

Error AtMetric(std::string_view name, std::string_view why);

// The series that a metric with a series' alias declares; `groups` are the birth's. Throws
// protozero's exceptions.
Result<BirthSeries> ReadSeries(const wire::MetricView& metric,
                               const std::vector<std::string>& groups);

}  // namespace haidang::sparkplug
