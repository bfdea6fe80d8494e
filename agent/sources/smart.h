#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/child/runner.h"
#include "agent/source.h"
#include "agent/sources/smart_json.h"
#include "core/clock.h"
#include "core/config.h"

namespace haidang::agent {

// How smartctl is run. [smart] in the configuration.
struct SmartOptions {
  bool configured = false;           // the section stands there
  Command command;                   // smartctl, or what runs it with more rights
  std::vector<SmartDevice> devices;  // empty: those that smartctl finds
  std::chrono::milliseconds interval{1'800'000};

  SmartOptions();
};

SmartOptions ReadSmartOptions(ConfigTable& root);

// Whether the source is on: where it is configured, and where this process is root, to whom disks
// answer, and smartctl is installed below `root`.
bool WantsSmart(const std::string& root, const SmartOptions& options);

// Asks one disk after the other, and none that sleeps: what it said before stands.
std::unique_ptr<Source> MakeSmartSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                        std::chrono::milliseconds sampling,
                                        const SmartOptions& options);

}  // namespace haidang::agent
