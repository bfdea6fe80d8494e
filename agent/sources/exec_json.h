#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "agent/child/command.h"
#include "agent/child/runner.h"
#include "agent/source.h"
#include "agent/sources/json_item.h"
#include "core/clock.h"
#include "core/config.h"

namespace haidang::agent {

// Numbers of a JSON document that a program writes to its standard output. [[exec_json]] in the
// configuration.
struct ExecJsonOptions {
  JsonOptions json;
  Command command;
  std::chrono::milliseconds interval{0};
};

std::vector<ExecJsonOptions> ReadExecJsonOptions(ConfigTable& root, JsonTaken& taken);

// Runs shortly before ticks, each program as often as its `interval` says, one run of each at a
// time. `clock` must outlive the source. `tick` is the sampler's interval.
std::unique_ptr<Source> MakeExecJsonSource(std::shared_ptr<ChildRunner> runner, const Clock& clock,
                                           std::chrono::milliseconds tick,
                                           const std::vector<ExecJsonOptions>& documents);

}  // namespace haidang::agent
