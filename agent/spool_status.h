#pragma once

#include <chrono>
#include <string>

#include "agent/spool.h"
#include "core/clock.h"
#include "core/result.h"

// What `haidang-agent spool` prints: what waits, how old, how big.
namespace haidang::agent {

// How often a running agent writes it.
constexpr std::chrono::milliseconds kSpoolStatusEvery{60'000};

// For people; `wall_ms` is when it was so.
std::string FormatSpoolReport(const SpoolReport& report, int64_t wall_ms);

// Writes `<directory>/spool.status` in one step: a reader finds the old one or the new one.
Status WriteSpoolStatus(const std::string& directory, const SpoolReport& report, int64_t wall_ms);

// What the agent that runs on `directory` wrote last, and how old that is; where none runs, what
// stands in its file, which is left as it is. An Error says why neither can be told.
Result<std::string> ReadSpoolStatus(const std::string& directory, const Clock& clock);

}  // namespace haidang::agent
