#pragma once

#include <string>

#include "agent/options.h"
#include "core/result.h"

// What a person asks of a machine at its terminal, without broker, spool and collector.
namespace haidang::agent {

// One reading of every source, or of `only` alone (also where the configuration switches it off),
// in Prometheus' text format. Waits for probes and workers as long as they may take.
Result<std::string> ReadMetricsOnce(Options options, const std::string& root,
                                    const std::string& only);

// A table of all sources: name, whether it is on, series and cost of one reading, what it reads.
// A source's failure stands in its line.
Result<std::string> DescribeSources(const Options& options, const std::string& root);

}  // namespace haidang::agent
