#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/remote/counters.h"
#include "collector/remote/journal_feed.h"
#include "collector/remote/sender.h"
#include "collector/store/journal_trail.h"
#include "collector/store/rows.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/trouble.h"

namespace haidang::remote {

// Brings one receiver what the journal holds, from a cursor on which the store keeps: workers read
// and make requests, a Sender posts them, and what is settled moves the cursor. Loop thread.
class Feed {
 public:
  // A receiver's cursor on disk is never further than this behind what it may have accepted.
  static constexpr int64_t kMaxAhead = 4096;  // rows

  // `path`: the store's file. `trail` and `clock` must outlive it.
  Feed(Loop& loop, const Clock& clock, const RemoteCounters& counters, RemoteOptions options,
       std::string path, const store::JournalTrail& trail);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Goes on where `row` is, or with what comes from now on.
  Status Start(const std::optional<store::RemoteRow>& row, std::function<uint64_t()> random);
  // Nothing is sent any more, and what was settled is known. At most 2 s.
  void Stop();

  // At each second: reads what came.
  void Go();
  // After each commit: says how far the receiver is behind.
  void Measure();

  const std::string& url() const { return options_.url.shown; }
  // What is to be stored, where it is not.
  std::optional<store::RemoteRow> Unsaved() const;
  void Saved(const store::RemoteRow& row);

  // Rows of the journal before this one are needed no more.
  int64_t FirstNeeded() const;

 private:
  struct Job;
  // Outcomes, on their way from the sender's thread.
  struct Mailbox {
    std::mutex mutex;
    std::vector<Outcome> outcomes;  // under mutex
    bool closed = false;            // loop thread
  };

  FeedStart StartAt(int64_t cursor, int64_t doubtful) const;
  // Rows before this one are older, or more, than the store keeps for the receiver, with so many
  // tenths of that on top.
  int64_t FirstKept(int64_t tenths) const;
  void Done(Job& job);
  void TellLoss(const Slice& slice);
  void Settle();
  void Advance(int64_t cursor);
  int64_t MonotonicMs() const { return clock_.MonotonicNs() / 1'000'000; }

  Loop& loop_;
  const Clock& clock_;
  const RemoteCounters counters_;
  const RemoteOptions options_;
  const std::string path_;
  const store::JournalTrail& trail_;

  std::shared_ptr<JournalFeed> reader_;  // null: to be made
  bool working_ = false;
  bool stopped_ = false;
  int64_t position_ = 0;                // rows up to here were made into requests
  int64_t doubtful_ = 0;                // as FeedStart's
  int64_t retry_ms_ = 0;                // monotonic
  uint64_t offered_ = 0, settled_ = 0;  // requests
  store::RemoteRow row_, saved_;
  // When a cursor was reached, monotonic: as long as the receiver may not have written it down.
  std::deque<std::pair<int64_t, int64_t>> reached_;
  Trouble losing_;
  uint64_t lost_ = 0;  // samples, since it was said
  Troubles troubles_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::unique_ptr<Sender> sender_;  // last
};

}  // namespace haidang::remote
