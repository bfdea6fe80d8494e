#pragma once

#include <netinet/in.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "agent/link.h"
#include "agent/recorder.h"
#include "agent/sampler.h"
#include "agent/spool.h"
#include "agent/test_ledger.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::fleet {

// The system's clocks, moved all together: agents live through an outage before the run begins.
// Their machine was booted a month ago, whenever ours was.
class MovedClock final : public Clock {
 public:
  int64_t WallMs() const override { return system_.WallMs() + by_ms_; }
  int64_t MonotonicNs() const override {
    return system_.MonotonicNs() + (by_ms_ + kBootedMs) * 1'000'000;
  }
  int64_t SinceBootMs() const override { return system_.SinceBootMs() + by_ms_ + kBootedMs; }

  void MoveTo(int64_t wall_ms) { by_ms_ = wall_ms - system_.WallMs(); }
  void MoveToNow() { by_ms_ = 0; }

 private:
  static constexpr int64_t kBootedMs = 30LL * 24 * 3600 * 1000;
  SystemClock system_;
  int64_t by_ms_ = 0;
};

struct ReturningAgentOptions {
  std::string machine;
  std::string group;
  std::string directory;  // of spool.db; exists
  std::string ledger;     // what --test-ledger is to an agent; none where empty
  sockaddr_in broker{};
  std::chrono::milliseconds interval{15'000};
  std::chrono::milliseconds backoff_max{60'000};
  size_t series = 60;
  double change = 0.25;  // share of ticks at which a series changes
  uint64_t seed = 1;
};

// An agent with everything of the real one behind its sources: sampler, recorder, spool, ledger and
// link are the agent's own code. What it reads is made up, and its session is one of thousands in
// this process. Loop thread only.
class ReturningAgent {
 public:
  // `loop`, `clock` and `random` (uniform in [0, 1)) must outlive it. An Error where its files
  // cannot be written.
  static Result<std::unique_ptr<ReturningAgent>> Open(ReturningAgentOptions options, Loop& loop,
                                                      MovedClock& clock,
                                                      const std::function<double()>& random);

  // Lives from the tick after the last one to `to_ms` without a link, moving the clock along. The
  // first time: from `from_ms`.
  Status LiveThrough(int64_t from_ms, int64_t to_ms);

  // Goes on in real time, and wants the broker.
  Status Start();
  // Reads nothing more, but goes on sending.
  void StopSampling();
  // Says goodbye; `done` once the connection is closed.
  void Stop(std::function<void()> done);

  uint64_t recorded() const { return recorded_; }  // batches
  const std::string& fault() const { return fault_; }
  agent::LinkStats stats() const { return link_->stats(); }
  size_t waiting() const { return spool_->waiting_batches(); }

 private:
  ReturningAgent(ReturningAgentOptions options, Loop& loop, MovedClock& clock)
      : options_(std::move(options)), loop_(loop), clock_(clock) {}

  Status Make(const std::function<double()>& random);
  agent::LinkOptions MakeLinkOptions() const;
  int64_t NextTick(int64_t after_ms) const;
  Status Record(agent::Tick&& tick);
  void OnTick(agent::Tick&& tick);

  const ReturningAgentOptions options_;
  Loop& loop_;
  MovedClock& clock_;
  std::unique_ptr<agent::Spool> spool_;
  std::unique_ptr<agent::TestLedger> ledger_;
  std::unique_ptr<agent::Recorder> recorder_;
  std::unique_ptr<agent::Link> link_;
  std::unique_ptr<agent::Sampler> sampler_;
  std::unique_ptr<Timer> start_;  // of sampling, on the grid
  int64_t last_tick_ms_ = 0;
  uint64_t recorded_ = 0;
  std::string fault_;  // why a tick was not recorded
};

}  // namespace haidang::fleet
