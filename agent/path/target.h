#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/path/mtu_look.h"
#include "agent/path/path_options.h"
#include "agent/path/prober.h"
#include "agent/path/round.h"
#include "agent/probe/resolver.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/sample.h"

namespace haidang::agent {

struct TargetOptions {
  std::string role;     // "gateway", "hub", "host"
  std::string name;     // label "target"
  std::string address;  // a name or an IP address
  uint16_t port = 0;    // for TCP; 0: usual ones are tried
  bool mtu = false;     // also find the path MTU
  PathMethod method = PathMethod::kAuto;
  Round::Plan plan = {};
};

// What targets are measured with. All must outlive them.
struct TargetTools {
  Loop& loop;
  const Clock& clock;
  Prober& icmp;
  Prober& tcp;
  Resolver& resolver;
};

// The way to one machine: rounds of trials one after another, and now and then its path MTU. Loop
// thread only.
class Target {
 public:
  Target(TargetOptions options, TargetTools tools);

  // Begins a round, unless one is under way.
  void Begin();
  // A round is, or it waits for an address without which there is none.
  bool under_way() const { return round_ != nullptr || (ticket_ != nullptr && addresses_.empty()); }
  // A search for the path MTU is under way.
  bool looking() const { return look_ != nullptr; }
  // Nothing where there is nothing to tell yet, or it cannot be measured here.
  void Report(std::vector<Reading>& readings) const;

  const std::string& address() const { return options_.address; }

 private:
  void Resolve();
  void OnResolved(const Resolver::Answer& answer);
  void StartRound();
  void Run(bool tcp);
  void OnRound(bool tcp, const RoundResult& result);
  void Take(bool tcp, const RoundResult& result);
  void TryNextAddress();
  void LookAtMtu(bool failure_began);
  void OnMtu(const std::optional<PathMtu>& found);
  uint16_t port() const;
  bool guesses_port() const { return options_.port == 0; }

  TargetOptions options_;
  TargetTools tools_;

  std::vector<Address> addresses_;
  size_t current_ = 0;  // of addresses_
  std::optional<int64_t> resolved_ns_;
  bool resolve_again_ = false;
  std::unique_ptr<Resolver::Ticket> ticket_;

  std::unique_ptr<Round> round_;
  std::optional<RoundResult> icmp_lost_;  // a round of which TCP is asked now
  std::optional<int64_t> tcp_since_ns_;   // TCP counts because ICMP is not answered
  size_t guess_ = 0;                      // of the usual ports
  bool answered_ever_ = false;

  std::optional<bool> success_;  // of the last round; nothing: none has ended
  bool lossy_ = false;           // it lost some
  bool tcp_ = false;             // it was measured so
  std::optional<int64_t> rtt_ns_;
  uint64_t sent_ = 0;
  uint64_t lost_ = 0;

  LargePackets allowance_;
  std::unique_ptr<MtuLook> look_;
  std::optional<int64_t> looked_ns_;
  bool look_is_due_ = true;
  bool unsure_ = false;  // the last look told nothing
  std::optional<PathMtu> mtu_;
};

}  // namespace haidang::agent
