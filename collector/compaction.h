#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/metrics.h"
#include "collector/store/compactor.h"
#include "collector/store/open_windows.h"
#include "collector/store/store.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/trouble.h"

namespace haidang::collector {

// Makes blocks of what the journal holds, on a worker, a few at a time, and hands them to the next
// commit. Loop thread.
class Compaction {
 public:
  // `path`: the store's file.
  Compaction(Loop& loop, const Clock& clock, Metrics& metrics, std::string path);

  // What the journal holds in no block when the collector starts.
  Status Begin(store::Store& store);
  // A row was appended to the journal, as a part of the transaction under way.
  void Came(int64_t machine, int64_t time_ms, int64_t journal_id);

  // At each second, and after each commit that took blocks: begins what is due.
  void Go();
  // Puts what was made into the transaction that is about to be committed. Saved: it was. Lost: it
  // could not be.
  Status Flush(store::Store& store);
  void Saved();
  void Lost();

  // Rows of the journal below this id are in blocks.
  int64_t FirstNeeded() const;
  size_t open_windows() const { return windows_.size(); }
  // A worker reads, or what it made waits for a commit.
  bool busy() const { return working_ || !made_.empty(); }
  bool working() const { return working_; }

 private:
  struct Job;
  struct Row {
    int64_t machine = 0;
    int64_t time_ms = 0;
    int64_t id = 0;
  };
  int64_t MonotonicMs() const { return clock_.MonotonicNs() / 1'000'000; }
  void Done(Job& job);

  Loop& loop_;
  const Clock& clock_;
  Metrics& metrics_;
  std::string path_;
  std::vector<Row> staged_;  // of the transaction under way
  store::OpenWindows windows_;
  std::map<store::Window, int64_t> failed_;  // when to try again, monotonic
  std::vector<store::BlockRow> made_;        // not committed yet
  size_t flushed_ = 0;                       // of them, are in the transaction
  bool working_ = false;
  Troubles troubles_;
};

}  // namespace haidang::collector
