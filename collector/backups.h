#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "collector/store/backup.h"

namespace haidang::collector {

// How a backup stands, as `GET /query/v1/backup` tells it.
struct BackupState {
  enum class Stage : uint8_t { kNone, kRunning, kDone, kFailed };
  Stage stage = Stage::kNone;
  uint64_t id = 0;  // counts the backups of this process
  std::string file;
  int64_t copied = 0;  // bytes
  int64_t bytes = 0;   // of the whole; 0: not known yet
  std::string error;   // of a failed one
};

std::string EncodeBackup(const BackupState& state);
// Takes hostile bytes.
Result<BackupState> DecodeBackup(std::string_view json);

// Makes backups of the store of this process, one at a time, on a thread of its own, which reads
// through a connection of its own. Thread-safe.
class Backups {
 public:
  // `store`: telemetry.db.
  explicit Backups(std::string store);
  ~Backups();
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  struct Answer {
    enum class Kind : uint8_t { kStarted, kBusy, kRefused };
    Kind kind = Kind::kStarted;
    BackupState state;  // the one that was started, or that is under way
    std::string why;    // it was refused
  };
  // `directory`: as in store::BackupOrder.
  Answer Start(const std::string& target, bool replace, const std::string& directory = "");
  BackupState state() const;
  // Gives up what is under way; none begins any more.
  void Stop();

 private:
  void Run(const store::BackupOrder& order);

  const std::string store_;
  mutable std::mutex mutex_;
  BackupState state_;     // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
  std::thread worker_;    // guarded by mutex_
  CopyStop stop_;
};

}  // namespace haidang::collector
