#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "agent/path/icmp_message.h"
#include "agent/path/prober.h"
#include "agent/path/socket.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Echo requests over unprivileged sockets, which net.ipv4.ping_group_range may forbid (for IPv6
// too): one socket a family for all trials, told apart by sequence and token. The kernel's own time
// of arrival counts, so that a loop that is busy adds nothing. Loop thread only.
class IcmpProber final : public Prober {
 public:
  // Both must outlive it.
  IcmpProber(Loop& loop, const Clock& clock);
  ~IcmpProber() override;

  // Asks the kernel again each time until it agrees.
  bool CanTry(int family) override;
  std::unique_ptr<Trial> Try(const Address& to, size_t bytes, Done done) override;

 private:
  class IcmpTrial;
  struct Pending {
    Address to;
    uint64_t token = 0;
    int64_t sent_ns = 0;
    Done done;
    std::unique_ptr<Timer> timer;
  };
  struct Channel {
    Fd fd;
    std::unique_ptr<Watch> watch;
    std::map<uint16_t, Pending> pending;  // by sequence
    uint16_t next = 0;                    // sequence
  };

  Channel& ChannelOf(int family) { return family == AF_INET ? v4_ : v6_; }
  void Open(int family);
  // Why the packet was not sent, as an errno; 0: it was.
  int Send(int family, const Address& to, const Echo& echo, size_t bytes);
  TrialResult Refused(int family, int error);
  void TakeAll(int family);
  void OnPacket(int family, const Datagram& packet);
  void OnError(int family, const Datagram& error);
  // From the loop, so that nobody is called back from where he sends.
  void FinishLater(int family, uint16_t sequence, Pending& pending, const TrialResult& result);
  void Finish(int family, uint16_t sequence, const TrialResult& result);

  Loop& loop_;
  const Clock& clock_;
  std::mt19937_64 random_;
  Channel v4_;
  Channel v6_;
  std::vector<char> buffer_;
};

}  // namespace haidang::agent
