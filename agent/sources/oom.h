#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/source.h"

namespace haidang::agent {

// A process that the kernel killed because memory was short, as its log says it.
struct OomKill {
  std::string process;    // its command, up to 15 bytes
  std::string details;    // "pid 4711, 2048 MiB resident"; what is known
  bool of_group = false;  // a control group's limit, not the machine's memory
};

// One record of /dev/kmsg: "6,1234,5678901,-;Out of memory: Killed process …". Nothing where it
// tells of no such kill.
std::optional<OomKill> ParseOomRecord(std::string_view record);

// Events "oom_kill": the kernel's counter of them (/proc/vmstat) is read at each tick, its log
// (/dev/kmsg, where the agent may read it) only when that has grown. Tells no series. `root` ends
// in a slash.
std::unique_ptr<Source> MakeOomSource(const std::string& root);

}  // namespace haidang::agent
