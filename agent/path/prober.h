#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "agent/path/address.h"

namespace haidang::agent {

// How long a trial waits for its answer.
inline constexpr std::chrono::milliseconds kTrialTimeout{1000};

// What became of a trial packet.
struct TrialResult {
  enum class Fate {
    kAnswered,
    kLost,    // nobody answered within kTrialTimeout, or the network said that it cannot be reached
    kTooBig,  // it was not sent on because it is too large
  };
  Fate fate = Fate::kLost;
  int64_t rtt_ns = 0;   // of kAnswered
  size_t told_mtu = 0;  // bytes, of kTooBig; 0 where nobody said
  bool local = false;   // of kTooBig: this machine's own device is the limit
};

// Sends trials, one packet each. Loop thread only.
class Prober {
 public:
  // While a Trial lives its callback may come; destroy it to give up.
  class Trial {
   public:
    virtual ~Trial() = default;
  };
  using Done = std::function<void(const TrialResult&)>;

  // Must outlive its Trials.
  virtual ~Prober() = default;

  // Whether trials can be sent to addresses of the family here.
  virtual bool CanTry(int family) = 0;

  // `done` is called once, later, and may destroy the Trial. `bytes`: of the IP packet, header
  // included; where the method has packets of its own size it is not looked at. Never fragmented.
  virtual std::unique_ptr<Trial> Try(const Address& to, size_t bytes, Done done) = 0;
};

// An ordinary trial's size: as ping(8) sends them to IPv4 addresses.
inline constexpr size_t kSmallTrial = 84;

}  // namespace haidang::agent
