#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/source.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Files that must be there and be new, such as a nightly backup. [[files]] in the configuration.
struct FilesOptions {
  std::string name;
  std::vector<std::string> pattern;             // ParsePattern
  uint64_t min_bytes = 1;                       // smaller ones are no backup
  std::chrono::milliseconds interval{300'000};  // between looks
};

std::vector<FilesOptions> ReadFilesOptions(ConfigTable& root);

// Looks on a worker. A pattern that cannot be looked at has haidang_files_success 0, and its other
// series no value.
std::unique_ptr<Source> MakeFilesSource(const std::string& root, Loop& loop, const Clock& clock,
                                        const std::vector<FilesOptions>& files);

}  // namespace haidang::agent
