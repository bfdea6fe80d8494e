#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/source.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Which of systemd's units are told beside those that failed. [services] in the configuration.
struct ServicesOptions {
  std::vector<std::string> units;  // names ("nginx.service") or a shell's patterns ("postgresql@*")
};

ServicesOptions ReadServicesOptions(ConfigTable table);

// State of chosen units and of all that failed, restarts, memory, processor time and tasks, as
// node_exporter's systemd collector names them; an event where a unit's state changes. Asks over
// the system bus below `root`, on a worker. A machine without one has no services: no readings.
std::unique_ptr<Source> MakeServicesSource(const std::string& root, Loop& loop,
                                           const ServicesOptions& options);

}  // namespace haidang::agent
