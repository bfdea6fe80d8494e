#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/path/prober.h"
#include "core/io/loop.h"

namespace haidang::agent {

struct RoundResult {
  size_t sent = 0;
  size_t lost = 0;
  std::optional<int64_t> rtt_ns;  // median of those that were answered
};

// A few ordinary trials, one after another. Ends once the fate of each is known. Given up when
// destroyed. Loop thread only.
class Round {
 public:
  struct Plan {
    size_t trials = 5;  // at least 1
    std::chrono::milliseconds apart{200};
  };

  // Both must outlive it. `done` is called once, later, and may destroy the Round.
  Round(Loop& loop, Prober& prober, const Address& to, const Plan& plan,
        std::function<void(const RoundResult&)> done);

 private:
  void SendOne();
  void OnResult(const TrialResult& result);

  Prober& prober_;
  Address to_;
  Plan plan_;
  std::function<void(const RoundResult&)> done_;
  RoundResult result_;
  std::vector<int64_t> answered_;  // round-trip times, ns
  std::vector<std::unique_ptr<Prober::Trial>> trials_;
  std::unique_ptr<Timer> timer_;
};

// Of an even number the mean of the two in the middle; nothing of none.
std::optional<int64_t> MedianOf(std::vector<int64_t> numbers);

// Nanoseconds in seconds, to the microsecond: digits beyond say nothing.
double RoundedSeconds(int64_t ns);

}  // namespace haidang::agent
