#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Processes that are looked at together. [[process]] in the configuration. Patterns are a shell's
// (*, ?, [a-z]); those that are not empty must all match.
struct ProcessGroupOptions {
  std::string name;
  std::string program;  // the program's name as the kernel has it, at most 15 bytes: "java"
  std::string command;  // its arguments, joined by blanks: "*catalina*"
  std::string unit;     // its systemd unit: "postgresql@*.service"
};

std::vector<ProcessGroupOptions> ReadProcessGroupOptions(ConfigTable& root);

// Count, processor time, memory, open files and start time of each group. Scans /proc on a worker.
// Processor time counts from the first scan on, also of processes that ended.
std::unique_ptr<Source> MakeProcessGroupsSource(const std::string& root, Loop& loop,
                                                const std::vector<ProcessGroupOptions>& groups);

// "ssh.service" of the text of /proc/<pid>/cgroup; "" where no unit is named.
std::string_view UnitOf(std::string_view cgroup);

}  // namespace haidang::agent
