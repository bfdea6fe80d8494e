#pragma once

#include <string>

#include "core/result.h"

// What haidang-collector does to a store while no collector runs on it. All write to stdout.
namespace haidang::collector {

// Verifies `directory`'s telemetry.db and says what it found; true where nothing is wrong. An
// Error: it cannot be read, or a collector uses it.
Result<bool> CheckStoreIn(const std::string& directory);

// Every value that a stored batch states, a JSON line each (core/ledger.h).
Status ExportLedgerOf(const std::string& directory);

}  // namespace haidang::collector
