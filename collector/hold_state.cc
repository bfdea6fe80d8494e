#include "collector/hold_state.h"

#include <unistd.h>

#include <cstdio>

#include "collector/store/restore.h"
#include "core/io/directory_lock.h"
#include "core/io/files.h"
#include "core/log.h"

namespace haidang::collector {

Status SettleState(const std::string& directory) {
  const auto told = store::SettleRestore(directory);
  if (!told) return told.error();
  for (const std::string& words : *told) spdlog::warn("{}", words);
  return {};
}

Status HoldState(const std::string& directory) {
  if (auto lock = LockDirectory(directory, "collector"); !lock) return lock;
  const auto told = store::SettleRestore(directory);
  if (!told) return told.error();
  for (const std::string& words : *told) {
    std::fprintf(stderr, "haidang-collector: %s\n", words.c_str());
  }
  return {};
}

Result<std::string> ClaimStore(const std::string& directory, const std::string& file) {
  if (file.empty()) {
    if (auto held = HoldState(directory); !held) {
      return Error{held.error().message +
                   "; or make a backup (haidang-collector backup FILE) and read that"};
    }
    return directory + "/telemetry.db";
  }
  // Also another directory's store may be a collector's.
  const std::string home = DirectoryOf(file);
  if (::access((home + "/collector.lock").c_str(), F_OK) == 0 &&
      FileNameOf(file) == "telemetry.db") {
    if (auto held = LockDirectory(home, "collector"); !held) return held.error();
  }
  return file;
}

}  // namespace haidang::collector
