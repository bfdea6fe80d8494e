#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "core/io/database.h"
#include "core/result.h"

namespace haidang {

// Ends a copy, and what belongs to it, from another thread.
class CopyStop {
 public:
  void Stop();
  bool stopped() const;

 private:
  friend class CopyWatched;
  mutable std::mutex mutex_;
  bool stopped_ = false;        // guarded by mutex_
  sqlite3* watched_ = nullptr;  // guarded by mutex_
};

// While it lives, Stop() also interrupts what `db` does. What begins after a Stop() is for its
// owner to leave.
class CopyWatched {
 public:
  CopyWatched(CopyStop* stop, const Database& db);  // `stop` may be null
  ~CopyWatched();
  CopyWatched(const CopyWatched&) = delete;
  CopyWatched& operator=(const CopyWatched&) = delete;

 private:
  CopyStop* stop_;
};

struct CopyOptions {
  mode_t mode = 0600;  // of the new file, less the umask
  // Called after each MiB that was copied; an Error ends it.
  std::function<Status(int64_t copied, int64_t bytes)> between;
  std::function<void()> read;  // called once the source was read; the copy is not whole yet
  CopyStop* stop = nullptr;    // where it may be ended; lives longer
};

// Copies the whole database that `from` reads, as it is at one moment, into the new file `path`,
// makes its bytes durable and checks its pages; whoever names the file for good syncs the
// directory. Others may write the source meanwhile: they are never waited for nor kept waiting, but
// its WAL is not cut before the source was read. The copy is one file in rollback mode, so that
// reading it makes no other file. On any Error, also where the disk is full, nothing is left of it.
Status CopyDatabase(Database& from, const std::string& path, const CopyOptions& options);

}  // namespace haidang
