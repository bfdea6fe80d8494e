#pragma once

#include "agent/path/prober.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Opens a TCP connection and closes it at once. A connection that is refused is an answer too: the
// machine is there. The kernel's measure of the handshake counts where it has one. Loop thread
// only.
class TcpProber final : public Prober {
 public:
  // Both must outlive it.
  TcpProber(Loop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  bool CanTry(int) override { return true; }
  std::unique_ptr<Trial> Try(const Address& to, size_t bytes, Done done) override;

 private:
  class TcpTrial;
  Loop& loop_;
  const Clock& clock_;
};

}  // namespace haidang::agent
