#pragma once

#include <cstdint>
#include <string>

namespace haidang::testing {

// SQLite's files as a disk has them: while it lives, what databases write is counted, and what a
// power cut would leave of a file is known. One at a time; one thread.
class DurableVfs {
 public:
  DurableVfs();
  ~DurableVfs();
  DurableVfs(const DurableVfs&) = delete;
  DurableVfs& operator=(const DurableVfs&) = delete;

  // Keeps each file as of its last sync, in memory alone. Off at first.
  void Remember(bool remember);
  // The database `path` and its WAL are on the disk as they are: somebody else wrote them.
  void TakeAsDurable(const std::string& path);
  // What a power cut leaves of the database `path` and its WAL, as `to` and its WAL.
  void CopyDurable(const std::string& path, const std::string& to) const;

  uint64_t bytes_written() const;
  uint64_t syncs() const;
};

}  // namespace haidang::testing
