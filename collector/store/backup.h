#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/io/database_copy.h"
#include "core/result.h"

namespace haidang::store {

struct BackupOrder {
  std::string store;     // telemetry.db
  std::string target;    // the file that is to be made; an absolute path
  bool replace = false;  // where `target` is a database, it goes
  // DirectoryIdentity() of the target's directory as whoever wants the backup sees it; empty: not
  // known. A service may have directories of its own under the same names.
  std::string directory = {};
};

// Which directory `file` is in, whatever its name; empty where that cannot be seen.
std::string DirectoryIdentity(const std::string& file);

// The WAL may grow by so much while the store is read, or by a quarter of the store where that is
// more: it cannot be cut meanwhile.
inline constexpr int64_t kMaxWalGrowth = 1 << 30;

struct BackupWatch {
  std::function<void(int64_t copied, int64_t bytes)> progress;  // on the backup's thread
  CopyStop* stop = nullptr;
};

// Whether the order may be carried out: an Error says why not, and what to do.
Status CheckBackup(const BackupOrder& order);

// Copies the store as it is at one moment to `target`.part, checks that copy, and gives it its name
// once it is durable; mode 0640 at most. `in_use`: a collector of this process writes the store,
// and goes on; else nobody has it open. How many bytes the backup has. After an Error nothing is
// left of it.
Result<int64_t> MakeBackup(const BackupOrder& order, bool in_use, const BackupWatch& watch);

}  // namespace haidang::store
