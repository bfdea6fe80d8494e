#pragma once

#include <cstdint>
#include <unordered_map>

namespace haidang::collector {

// How often births are asked for: a machine at first at once, then at doubling distances; all
// together by a token bucket, so that a collector with an empty store does not make a whole
// province be born at once. Loop thread.
class Rebirths {
 public:
  struct Rates {
    int64_t first_wait_ms = 10000;  // after the first request to a machine
    int64_t last_wait_ms = 600000;  // the distance doubles up to this
    double per_second = 100;        // all machines
    double burst = 100;
  };

  explicit Rebirths(Rates rates) : rates_(rates), tokens_(rates.burst) {}

  // May a rebirth be asked of this machine now? Counts as asked where true.
  bool Ask(int64_t machine, int64_t mono_ms);
  // Its birth came: the next request may go at once.
  void Born(int64_t machine) { machines_.erase(machine); }

 private:
  struct Asked {
    int64_t next_ms = 0;
    int64_t wait_ms = 0;
  };
  Rates rates_;
  std::unordered_map<int64_t, Asked> machines_;
  double tokens_;
  int64_t filled_ms_ = 0;
};

}  // namespace haidang::collector
