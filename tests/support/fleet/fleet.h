#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/clock.h"
#include "tests/support/fleet/connection.h"
#include "tests/support/fleet/simulated_agent.h"

namespace haidang::fleet {

struct Options {
  std::string host = "127.0.0.1";  // numeric
  int port = 1883;
  std::string group = "bench";
  std::string prefix = "fleet";  // machines are <prefix>-<index>
  size_t agents = 100;
  size_t connections = 0;  // agents share them; 0: one each
  size_t series = 60;
  double rate = 0;      // values a second of the whole fleet; 0: as fast as acknowledged
  size_t window = 600;  // batches an agent may have unacknowledged where rate is 0
  double max_wait = 0;  // seconds that its oldest may wait where rate is 0; 0: any
  double warm_up = 0;   // seconds of sending before the measure begins
  double seconds = 20;  // of measure
  double drain = 60;    // seconds to wait for what is unacknowledged at the end
  double ramp = 0;      // seconds over which agents connect and are born
  uint64_t seed = 1;
  std::vector<int> watched;  // process ids whose CPU time is told
};

// What the run showed; main prints it as JSON.
struct Report {
  Counters total;
  uint64_t measured_values = 0;  // acknowledged within the measure
  double measured_seconds = 0;
  double cpu_seconds = 0;                   // ours, within the measure
  std::vector<double> watched_cpu_seconds;  // theirs
  double overall_seconds = 0;               // from the first batch to the last acknowledgement
  uint64_t unsettled_batches = 0;
  uint64_t disconnects = 0;
};

// A fleet of simulated agents on one libuv loop and one thread.
class Fleet {
 public:
  Fleet(Options options, const Clock& clock);
  ~Fleet();

  // Connects, sends, measures, waits for the rest, says goodbye.
  Report Run();

 private:
  struct Member {
    SimulatedAgent* agent = nullptr;
    bool born = false;        // on this connection
    int64_t birth_at_ms = 0;  // monotonic
    int64_t splay_ms = 0;     // of the first birth
  };
  struct Link {
    std::unique_ptr<Connection> connection;
    std::vector<Member> members;
    size_t turn = 0;         // whose batch is next
    int64_t open_at_ms = 0;  // monotonic; the next attempt
    size_t attempt = 0;
  };
  enum class Phase { kConnecting, kWarmUp, kMeasure, kDrain, kGoodbye, kOver };

  void MakeLinks();
  void Tick();
  void OpenDue(int64_t now_ms);
  void SendBirths(int64_t now_ms);
  bool AllBorn() const;
  void PingAll(int64_t now_ms);
  void Send(int64_t now_ms);
  bool MaySend(const Member& member, int64_t now_ms) const;
  bool SendNext(Link& link, int64_t now_ms);
  void SendResends(Link& link, int64_t now_ms);
  void AdvancePhase(int64_t now_ms);
  void Enter(Phase phase, int64_t now_ms);
  void Up(Link& link);
  void Down(Link& link, const std::string& why);
  void Receive(Link& link, std::string_view topic, std::string_view payload);
  int64_t NowMs() const { return clock_.MonotonicNs() / 1'000'000; }
  uint64_t Unsettled() const;

  Options options_;
  const Clock& clock_;
  std::mt19937_64 random_;
  uv_loop_t loop_{};
  uv_timer_t timer_{};
  sockaddr_in address_{};
  std::vector<std::unique_ptr<SimulatedAgent>> agents_;
  std::vector<std::unique_ptr<Link>> links_;
  Report report_;
  std::string failed_;  // why the run cannot go on
  Phase phase_ = Phase::kConnecting;
  int64_t phase_since_ms_ = 0;
  int64_t last_settled_ms_ = 0;
  int64_t rate_since_ms_ = 0;  // sending began
  uint64_t rate_sent_ = 0;     // batches since then
  size_t link_turn_ = 0;
  int64_t next_ping_ms_ = 0;
  uint64_t settled_at_start_ = 0;
  double cpu_at_start_ = 0;
  std::vector<double> watched_at_start_;
};

}  // namespace haidang::fleet
