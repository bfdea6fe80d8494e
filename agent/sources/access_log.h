#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/source.h"
#include "agent/sources/access_counts.h"
#include "agent/sources/access_line.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// A web server's access log. [[access_log]] in the configuration.
struct AccessLogOptions {
  std::string name;
  std::vector<std::string> pattern;  // ParsePattern
  AccessFormat format;
  std::vector<UrlGroup> groups;     // what is in none is in "other"
  std::vector<VolumeRule> volumes;  // work done
};

std::vector<AccessLogOptions> ReadAccessLogOptions(ConfigTable& root);

// Reads on workers, one a log. How far it read is stored in `state_directory`, so that each line is
// counted once whenever the agent is stopped, killed or started; with "" nothing is stored, and the
// files are read from their start. A log that cannot be read has haidang_access_log_success 0, and
// its other series no value.
std::unique_ptr<Source> MakeAccessLogSource(const std::string& root, Loop& loop, const Clock& clock,
                                            const std::vector<AccessLogOptions>& logs,
                                            const std::string& state_directory);

}  // namespace haidang::agent
