#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/clock.h"
#include "core/trouble.h"
#include "server/collector_client.h"
#include "server/control_db.h"
#include "server/live.h"
#include "server/metrics.h"

namespace haidang::server {

// Asks the collector once a second for its overview, on a thread of its own, and sees to it that
// the collector has our snapshot: at first contact, after each absence, when its store changed, and
// once a minute. Owns control.db while it runs. A lost collector is logged once, and its return
// once.
class Watcher {
 public:
  static constexpr std::chrono::milliseconds kPeriod{1000};

  // All but `db` must outlive the watcher.
  Watcher(const Clock& clock, CollectorClient& client, ControlDb db, Live& live, Metrics& metrics);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Start();
  // Returns when the thread has ended; CollectorClient::Stop() makes that quick.
  void Stop();

  // One round: a question, and the snapshot where it is due. For Start()'s thread and for tests.
  void Round();

  // How many rounds have ended. Any thread.
  uint64_t rounds() const { return rounds_; }

 private:
  void Run();
  Status SyncSnapshot();

  const Clock& clock_;
  CollectorClient& client_;
  ControlDb db_;
  Live& live_;
  Metrics& metrics_;

  Trouble lost_;                      // questions fail
  std::string synced_store_;          // store id to which the snapshot was given
  std::optional<int64_t> synced_ns_;  // monotonic; absent: due
  bool sync_failed_ = false;

  std::atomic<uint64_t> rounds_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace haidang::server
