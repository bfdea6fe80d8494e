#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/path/path_options.h"
#include "agent/probe/resolver.h"
#include "agent/source.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Round-trip times, loss and path MTU to the gateway, the province's hub and named hosts, and how
// the name servers answer: what tells where a journey is slow. Rounds begin in Prepare; Read hands
// over those that have ended. Reads routes and resolv.conf below `root`. `loop` and `clock` must
// outlive the source. `interval` is the sampler's.
std::unique_ptr<Source> MakePathSource(const std::string& root, Loop& loop, const Clock& clock,
                                       std::chrono::milliseconds interval,
                                       const PathOptions& options, Lookup lookup);

// The longest that a round, what it leads to and a question take.
std::chrono::milliseconds LongestRound(const PathOptions& options);

}  // namespace haidang::agent
