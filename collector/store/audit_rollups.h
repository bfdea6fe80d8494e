#pragma once

#include <functional>
#include <string>

#include "collector/store/store_file.h"
#include "core/result.h"

namespace haidang::store {

// Calls `damaged(where)` for each piece of roll-ups that cannot be read or is not what was written,
// and `gone(where)` for each series in one which is not there.
Status CheckRollups(StoreFile& file, const std::function<void(std::string where)>& damaged,
                    const std::function<void(std::string where)>& gone);

}  // namespace haidang::store
