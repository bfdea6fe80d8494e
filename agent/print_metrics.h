#pragma once

#include <string>

#include "agent/tick.h"

namespace haidang::agent {

// A tick in Prometheus' text format, metrics in order of their names, with HELP and TYPE from the
// catalogue. Texts, which the format cannot hold, stand in comments.
std::string FormatTick(const Tick& tick);

}  // namespace haidang::agent
