#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/query.h"

namespace haidang::server {

// What is known of the collector at a moment.
struct LiveView {
  std::shared_ptr<const query::Overview> overview;  // the last good answer; null before the first
  int64_t answered_ms = 0;  // this server's clock: when that answer came; 0 before the first
  bool reachable = false;   // it answered within kStaleAfter
  int64_t since_ms = 0;     // this server's clock: since when it is (un)reachable
  std::string reason;       // why not; "" while it is reachable
  std::shared_ptr<const query::Snapshot> snapshot;  // places and placements; never null
};

// The newest answer of the collector, shared by the thread that asks and those that wait for it.
// Thread-safe. Freshness is judged by the clock at each look, not by the asking thread: an answer
// never outlives kStaleAfter, even where that thread hangs.
class Live {
 public:
  static constexpr std::chrono::milliseconds kStaleAfter{5000};

  explicit Live(const Clock& clock);

  void SetSnapshot(query::Snapshot snapshot);
  void Answered(query::Overview overview);
  void Failed(std::string reason);
  // Ends all waiting; WaitForChange returns at once from now on.
  void Close();

  LiveView Now();
  // Goes up with each answer, failure and snapshot.
  uint64_t version();
  // Until version() differs from `seen`, or `patience` is over, or Close(). False once closed.
  bool WaitForChange(uint64_t seen, std::chrono::milliseconds patience);

 private:
  void Changed();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  LiveView view_;
  int64_t answered_ns_ = 0;  // monotonic
  uint64_t version_ = 0;
  bool closed_ = false;
};

}  // namespace haidang::server
