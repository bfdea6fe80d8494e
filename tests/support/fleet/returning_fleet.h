#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/io/loop.h"
#include "tests/support/fleet/returning_agent.h"

namespace haidang::fleet {

struct ReturnOptions {
  std::string host = "127.0.0.1";  // numeric
  int port = 1883;
  std::string group = "bench";
  std::string prefix = "may";  // machines are <prefix>-<index>
  std::string directory;       // gets spools/ and, with `ledgers`, ledgers/
  bool ledgers = false;
  size_t agents = 100;
  double hours = 1;  // without a link
  size_t series = 60;
  double change = 0.25;     // share of ticks at which a series changes
  double backoff_max = 60;  // seconds
  double stay = 0;          // seconds of live data after all have caught up
  double patience = 600;    // seconds until all must have caught up
  uint64_t seed = 1;
};

// What the run showed; main prints it as JSON.
struct ReturnReport {
  uint64_t backlog_batches = 0;   // recorded before the run
  uint64_t recorded_batches = 0;  // in all
  uint64_t sent_batches = 0;      // each as often as it was sent
  uint64_t births = 0;
  uint64_t bad_commands = 0;
  size_t caught_up = 0;  // agents
  size_t unsettled = 0;  // batches that nobody acknowledged in the end
  double prepare_seconds = 0;
  double catch_up_seconds = 0;  // from the first that was connected to the last caught up
  double cpu_seconds = 0;       // ours, in that time
  double peak_rss_mib = 0;
};

// Agents that lived through an outage and return all at once, in one process, on one thread. Prints
// "ready" on stderr once they want the broker, "caught up" once nothing waits.
class ReturningFleet {
 public:
  // Throws where an option cannot work.
  explicit ReturningFleet(ReturnOptions options);

  // An Error says what the machine or the run lacks.
  Result<ReturnReport> Run();

 private:
  enum class Phase { kReturning, kStaying, kDraining, kLeaving };

  Status Prepare();
  Status LiveThrough(int64_t from_ms, int64_t to_ms);
  void Look();
  void Count();
  void Enter(Phase phase);
  void Leave();
  double PhaseSeconds() const;

  ReturnOptions options_;
  ReturningAgentOptions common_;
  MovedClock clock_;
  std::mt19937_64 random_;
  std::function<double()> chance_;
  std::unique_ptr<Loop> loop_;
  std::vector<std::unique_ptr<ReturningAgent>> agents_;  // before the loop in destruction
  std::vector<bool> caught_up_;
  std::unique_ptr<Timer> look_;
  Phase phase_ = Phase::kReturning;
  int64_t phase_since_ns_ = 0;
  int64_t first_connected_ns_ = 0;
  double cpu_at_start_ = 0;
  size_t to_leave_ = 0;
  std::string fault_;
  ReturnReport report_;
};

}  // namespace haidang::fleet
