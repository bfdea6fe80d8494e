#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"

namespace haidang::fleet {

// What an agent and its collector agree on, summed over the fleet.
struct Counters {
  uint64_t sent_batches = 0;  // each once, however often it was sent again
  uint64_t sent_values = 0;
  uint64_t resent_batches = 0;
  uint64_t settled_batches = 0;  // named by Committed
  uint64_t settled_values = 0;
  uint64_t births = 0;
  uint64_t rebirth_requests = 0;
  uint64_t faults = 0;  // commands that do not decode or name batches never sent
};

// One agent as the wire sees it: births, numbered batches whose values all change,
// acknowledgements, sending again. A batch's content follows from agent and number, so that nothing
// but its time is kept until it is settled. No I/O; the owner publishes what it returns.
class SimulatedAgent {
 public:
  SimulatedAgent(const std::string& group, const std::string& node, uint64_t seed, size_t series,
                 int64_t interval_ms, Counters& counters);

  const std::string& data_topic() const { return data_topic_; }
  const std::string& birth_topic() const { return birth_topic_; }
  const std::string& death_topic() const { return death_topic_; }
  const std::string& command_topic() const { return command_topic_; }

  // The Will of the next connection; counts bdSeq on.
  std::string NextWill(int64_t now_ms);
  // NBIRTH; also after a rebirth request.
  std::string Birth(int64_t now_ms);
  std::string Death(int64_t now_ms) const;

  // The next live batch. Required: a birth was sent on this connection.
  std::string NextBatch(int64_t now_ms, int64_t now_mono_ms);
  // The oldest batch that is due to be sent again; empty where there is none.
  std::string NextResend(int64_t now_mono_ms);

  // Takes an NCMD; true where a birth is asked for.
  bool Take(std::string_view command);

  // The connection is gone: everything unsettled is due again once a birth was answered.
  void ConnectionLost();

  size_t unsettled() const { return unsettled_; }
  // Since when the oldest unsettled batch waits, in NextBatch's monotonic time; `now` where none
  // does.
  int64_t WaitingSince(int64_t now_mono_ms) const {
    return waiting_.empty() ? now_mono_ms : waiting_.front().sent_at_ms;
  }

 private:
  struct Waiting {
    int64_t wall_ms = 0;
    int64_t sent_at_ms = 0;    // monotonic, the first time
    int64_t resend_at_ms = 0;  // monotonic
    int64_t patience_ms = 0;
    bool settled = false;
  };

  // When its machine was booted, the same in each run: times since then and wall times agree, as
  // those of a machine do whose clock nobody has to mend.
  static constexpr int64_t kBootedMs = 1'700'000'000'000;

  std::string Encode(uint64_t number, int64_t wall_ms);
  void Settle(const sparkplug::Committed& committed);
  void SettleOne(uint64_t number);

  Counters& counters_;
  std::string data_topic_;
  std::string birth_topic_;
  std::string death_topic_;
  std::string command_topic_;
  uint64_t seed_;
  int64_t interval_ms_;
  std::vector<sparkplug::BirthSeries> series_;
  sparkplug::Batch batch_;
  uint8_t bd_seq_ = 255;
  uint8_t seq_ = 0;
  bool answered_ = false;        // the collector spoke since the last birth
  uint64_t first_waiting_ = 1;   // the number of waiting_.front()
  std::deque<Waiting> waiting_;  // sent, settled ones at the front removed
  size_t unsettled_ = 0;
  int64_t last_wall_ms_ = 0;
  int64_t next_scan_ms_ = 0;  // monotonic; no batch is due again before
};

// Series as a Linux server's agent has them; each (metric, labels) once.
std::vector<sparkplug::BirthSeries> MakeSeries(size_t count);

}  // namespace haidang::fleet
