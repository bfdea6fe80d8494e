#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "agent/path/mtu_search.h"
#include "agent/path/prober.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// When large packets may be sent: at most kMost within any minute.
class LargePackets {
 public:
  static constexpr size_t kMost = 10;

  explicit LargePackets(const Clock& clock) : clock_(clock) {}

  // How long the next one has to wait; 0: it may go.
  std::chrono::milliseconds Wait();
  void Sent();

 private:
  const Clock& clock_;
  std::deque<int64_t> sent_ns_;
};

// One search for an address's path MTU. Given up when destroyed. Loop thread only.
class MtuLook {
 public:
  // All must outlive it. `done` is called once, later, and may destroy the MtuLook.
  MtuLook(Loop& loop, Prober& prober, LargePackets& allowance, const Address& to,
          std::function<void(const std::optional<PathMtu>&)> done);

 private:
  void SendPair();
  void OnOne();

  Loop& loop_;
  Prober& prober_;
  LargePackets& allowance_;
  Address to_;
  std::function<void(const std::optional<PathMtu>&)> done_;
  MtuSearch search_;
  std::optional<TrialResult> small_result_;
  std::optional<TrialResult> large_result_;
  std::unique_ptr<Prober::Trial> small_;
  std::unique_ptr<Prober::Trial> large_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace haidang::agent
