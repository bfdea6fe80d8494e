#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace haidang::store {

struct Restored {
  int64_t bytes = 0;
  std::string aside;  // where the store that was there is now; "" where there was none
};

// Puts a copy of `file`, a backup or any other whole telemetry.db that nobody uses, in place of the
// one in `directory`, which the caller holds, and which was settled (below). `file` is looked at
// first, and nothing is touched where it cannot be a store of this program. A crash at any point
// leaves the store that was there, or what SettleRestore turns into the new one. `now_ms` is for
// the name of what is moved aside.
Result<Restored> RestoreStore(const std::string& directory, const std::string& file,
                              int64_t now_ms);

// Ends what a restore that was cut off began in `directory`, which the caller holds: the new store
// is put in place where it was whole already, else its beginning is removed. What it did, in words.
// To be called by whoever is about to open the store.
Result<std::vector<std::string>> SettleRestore(const std::string& directory);

}  // namespace haidang::store
