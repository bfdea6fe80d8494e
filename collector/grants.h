#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace haidang::collector {

// How fast machines may send what they could not send in time: a rate that the collector bears,
// shared evenly among those that are catching up. Pure: times are monotonic milliseconds, handed
// in.
class Grants {
 public:
  struct Rates {
    double total = 4000;       // batches a second, all machines together
    double machine = 500;      // one machine at most
    double machine_min = 0.5;  // and at least, however many there are
  };
  struct Grant {
    int64_t machine = 0;
    double batches_per_second = 0;
  };

  explicit Grants(const Rates& rates) : rates_(rates) {}

  // A birth told of backlog: the machine wants a grant, and a new one with each birth.
  void Wants(int64_t machine, int64_t now_ms);
  // A batch of its backlog came. So a collector that was away hears of backlog without a birth:
  // where more than a few come, and not only what is sent again now and then, it is as if Wants().
  void Came(int64_t machine, int64_t now_ms);
  // Who is to be told what now. Those that sent nothing for half a minute are done, and their share
  // goes to the others.
  std::vector<Grant> Due(int64_t now_ms);
  // It could not be told.
  void Untold(int64_t machine);

  size_t catching_up() const { return machines_.size(); }

 private:
  struct Machine {
    int64_t active_ms = 0;
    double told = 0;  // 0: not yet
    int64_t told_ms = 0;
  };
  static constexpr int64_t kIdleMs = 30000;
  static constexpr int64_t kSpacingMs = 5000;  // between two grants to one machine
  static constexpr double kWorthTelling = 0.25;
  static constexpr int kFew = 8;  // batches in half a minute

  Rates rates_;
  std::map<int64_t, Machine> machines_;
  std::map<int64_t, int> others_;  // batches of backlog, since others_since_ms_, of who wants none
  int64_t others_since_ms_ = 0;
};

}  // namespace haidang::collector
