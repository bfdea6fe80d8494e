#pragma once

#include <string>

#include "collector/options.h"
#include "core/result.h"

namespace haidang::collector {

// `haidang-collector backup FILE`: asks the collector that runs on the store to make the backup,
// and waits for it; where none runs, makes it itself. Says on stdout what it made, on stderr how
// far it is.
Status BackUp(const Options& options, const std::string& file, bool replace);

}  // namespace haidang::collector
