#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/metrics.h"
#include "collector/remote/feed.h"
#include "collector/remote/options.h"
#include "collector/store/journal_trail.h"
#include "collector/store/store.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::collector {

// The receivers of remote write: each has its feed, and its cursor in the store. Loop thread.
class Remotes {
 public:
  Remotes(Loop& loop, const Clock& clock, Metrics& metrics);

  // Where each was when the collector stopped; one that is new begins now, what is told of one that
  // is no more is forgotten. `keep`: what is older than that goes from the store.
  Status Begin(store::Store& store, const std::vector<remote::RemoteOptions>& options,
               std::chrono::milliseconds keep, const std::function<uint64_t()>& random);
  // Ends all senders; what was settled is Flush's.
  void Stop();

  // A row was appended to the journal, as a part of the transaction under way.
  void Came(int64_t id, const store::JournalRow& row);
  void EverySecond();
  // Puts cursors into the transaction that is about to be committed: one that nothing else needs is
  // begun for them once a second, or where `at_once`. Saved: it was. Lost: it could not be.
  Status Flush(store::Store& store, bool at_once);
  void Saved();
  void Lost();

  // Rows of the journal before this one are needed by no receiver.
  int64_t FirstNeeded() const;

 private:
  struct Row {
    int64_t id = 0;
    int64_t received_ms = 0;
    int64_t bytes = 0;
  };

  Loop& loop_;
  const Clock& clock_;
  Metrics& metrics_;
  store::JournalTrail trail_;
  std::vector<Row> staged_;             // of the transaction under way
  std::vector<std::string> forgotten_;  // URLs
  std::vector<std::pair<remote::Feed*, store::RemoteRow>> flushed_;
  bool flushed_forgotten_ = false;
  int64_t flushed_mono_ms_ = 0;
  std::vector<std::unique_ptr<remote::Feed>> feeds_;
};

}  // namespace haidang::collector
