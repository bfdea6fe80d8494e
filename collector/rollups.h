#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/metrics.h"
#include "collector/store/open_windows.h"
#include "collector/store/rollup/change.h"
#include "collector/store/store.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/trouble.h"

namespace haidang::collector {

// Makes roll-ups of what blocks hold, and merges them, on a worker, a few at a time, and hands them
// to the next commit. What is to be done stands in the store, nothing of it here. Loop thread.
class Rollups {
 public:
  // `path`: the store's file. `raw`: how long blocks are kept.
  Rollups(Loop& loop, const Clock& clock, Metrics& metrics, std::string path,
          std::chrono::milliseconds raw);

  // At each second: begins what there is to do, if it may.
  void Go(bool may);
  // Puts what was made into the transaction that is about to be committed. Saved: it was, and more
  // may begin. Lost: it could not be.
  Status Flush(store::Store& store);
  void Saved(bool may);
  void Lost() { flushed_ = 0; }

  // A worker reads, or what it made waits for a commit.
  bool busy() const { return working_ || !made_.empty(); }
  bool working() const { return working_; }
  // The last look found nothing to do.
  bool idle() const { return !busy() && !more_; }

 private:
  struct Job;
  enum class Step { kWindow, kDay, kLong };
  using Task = std::pair<Step, store::Window>;
  int64_t MonotonicMs() const { return clock_.MonotonicNs() / 1'000'000; }
  void Done(Job& job);

  Loop& loop_;
  const Clock& clock_;
  Metrics& metrics_;
  std::string path_;
  std::chrono::milliseconds raw_;
  store::Window after_;             // the last due window that was looked at; none: from the first
  std::map<Task, int64_t> failed_;  // when to try again, monotonic
  std::vector<store::RollupChange> made_;  // not committed yet
  size_t flushed_ = 0;                     // of them, are in the transaction
  bool working_ = false;
  bool more_ = true;
  int64_t looked_ms_ = 0;  // monotonic
  Troubles troubles_;
};

}  // namespace haidang::collector
