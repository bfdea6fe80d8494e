#pragma once

#include <string>

#include "core/result.h"

// What haidang-collector does to a store while no collector runs on it. All write to stdout.
namespace haidang::collector {

// Verifies `directory`'s telemetry.db, or `file` where one is named, and says what it found; true
// where nothing is wrong. An Error: it cannot be read, or a collector uses it.
Result<bool> CheckStoreIn(const std::string& directory, const std::string& file);

// Puts a copy of `file` in place of `directory`'s telemetry.db, and says how to go back.
Status RestoreStoreIn(const std::string& directory, const std::string& file);

}  // namespace haidang::collector
