#pragma once

#include <string>

#include "core/result.h"

namespace haidang::collector {

// Ends what a restore that was cut off began, and says so in the log. The caller holds `directory`.
Status SettleState(const std::string& directory);

// Takes `directory` for this tool until it ends, where no collector has it, and settles it. Says on
// stderr what it settled.
Status HoldState(const std::string& directory);

// The store that a tool is to read: the one in `directory`, which is then held, or `file`, where
// one is named. An Error where a collector has it open.
Result<std::string> ClaimStore(const std::string& directory, const std::string& file);

}  // namespace haidang::collector
