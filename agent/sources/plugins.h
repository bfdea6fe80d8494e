#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/child/runner.h"
#include "agent/source.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// A monitoring plug-in (the interface of Nagios and the Monitoring Plugins) and how often it runs.
// [[plugin]] in the configuration.
struct PluginOptions {
  std::string name;
  Command command;
  std::chrono::milliseconds interval{60'000};
  bool perfdata = true;  // tell its performance data
};

std::vector<PluginOptions> ReadPluginOptions(ConfigTable& root);

// Runs each plug-in when a Prepare finds it due; `sampling` is the time between two. A plug-in that
// is missing, hangs, floods or dies is in state 3 (unknown), and its text says why.
std::unique_ptr<Source> MakePluginsSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                          std::chrono::milliseconds sampling,
                                          const std::vector<PluginOptions>& plugins);

}  // namespace haidang::agent
