#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sample.h"

namespace haidang::agent {

// Samples of Prometheus' text exposition format 0.0.4, in their order: values are doubles. HELP and
// TYPE are passed over. Touches nothing. An Error names the line: a name or label that is none, no
// number, a time stamp (nobody may say when the agent read), a series twice, more than
// `max_samples`.
Result<std::vector<Reading>> ParseExposition(std::string_view text, size_t max_samples);

}  // namespace haidang::agent
