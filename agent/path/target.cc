#include "agent/path/target.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kKeepAddresses = 5min;
constexpr std::chrono::nanoseconds kKeepTcp = 10min;  // until ICMP is tried again
constexpr std::chrono::nanoseconds kMtuEvery = 10min;
constexpr std::chrono::nanoseconds kMtuAgain = 1min;  // where the way is narrow, or not known
// Where nobody named a port: of web pages, of name servers, of administrators.
constexpr std::array<uint16_t, 4> kUsualPorts = {80, 443, 53, 22};

}  // namespace

Target::Target(TargetOptions options, TargetTools tools)
    : options_(std::move(options)), tools_(tools), allowance_(tools.clock) {
  if (const auto address = Address::Parse(options_.address, 0)) addresses_ = {*address};
}

void Target::Begin() {
  if (under_way()) return;
  Resolve();
  if (!addresses_.empty()) StartRound();
}

void Target::Resolve() {
  if (ticket_ != nullptr || Address::Parse(options_.address, 0)) return;
  const int64_t now_ns = tools_.clock.MonotonicNs();
  const bool fresh = resolved_ns_ && now_ns - *resolved_ns_ < kKeepAddresses.count();
  if (fresh && !resolve_again_) return;
  resolve_again_ = false;
  ticket_ =
      tools_.resolver.Resolve(options_.address, [this](const auto& answer) { OnResolved(answer); });
}

// What was known before stays in use where nobody can tell now.
void Target::OnResolved(const Resolver::Answer& answer) {
  ticket_.reset();
  std::vector<Address> addresses;
  if (answer) {
    for (const std::string& text : *answer) {
      if (const auto address = Address::Parse(text, 0)) addresses.push_back(*address);
    }
  }
  const bool first = addresses_.empty();
  if (addresses.empty()) {
    if (first) success_ = false;
    return;
  }
  resolved_ns_ = tools_.clock.MonotonicNs();
  const auto same = [](const Address& a, const Address& b) { return a.IsSameHost(b); };
  if (!std::is_permutation(addresses.begin(), addresses.end(), addresses_.begin(), addresses_.end(),
                           same)) {
    addresses_ = std::move(addresses);
    current_ = 0;
    look_is_due_ = true;
  }
  if (first) StartRound();
}

uint16_t Target::port() const { return guesses_port() ? kUsualPorts[guess_] : options_.port; }

void Target::StartRound() {
  if (round_ != nullptr) return;
  icmp_lost_.reset();
  const bool can_icmp =
      options_.method != PathMethod::kTcp && tools_.icmp.CanTry(addresses_[current_].family());
  if (!can_icmp && options_.method == PathMethod::kIcmp) return;  // cannot be measured here
  const bool keep_tcp =
      tcp_since_ns_ && tools_.clock.MonotonicNs() - *tcp_since_ns_ < kKeepTcp.count();
  Run(!can_icmp || keep_tcp);
}

void Target::Run(bool tcp) {
  const Address to = addresses_[current_].WithPort(port());
  round_ =
      std::make_unique<Round>(tools_.loop, tcp ? tools_.tcp : tools_.icmp, to, options_.plan,
                              [this, tcp](const RoundResult& result) { OnRound(tcp, result); });
}

void Target::OnRound(bool tcp, const RoundResult& result) {
  round_.reset();
  const bool answered = result.rtt_ns.has_value();
  if (!tcp && !answered && options_.method == PathMethod::kAuto && !guesses_port()) {
    icmp_lost_ = result;
    return Run(true);
  }
  if (icmp_lost_) {
    // The host may be there and not answer echoes; where it answers nothing, ICMP's word counts.
    if (!answered) return Take(false, *std::exchange(icmp_lost_, std::nullopt));
    icmp_lost_.reset();
    tcp_since_ns_ = tools_.clock.MonotonicNs();
  } else if (tcp_since_ns_ && (!tcp || !answered)) {
    tcp_since_ns_.reset();
  }
  Take(tcp, result);
}

void Target::Take(bool tcp, const RoundResult& result) {
  const bool answered = result.rtt_ns.has_value();
  const bool failure_began = (result.lost > 0 && !lossy_) || (success_ == true && !answered);
  answered_ever_ = answered_ever_ || answered;
  tcp_ = tcp;
  if (!answered) TryNextAddress();
  // A port that we guessed and nobody ever answered at says nothing of the way.
  if (tcp && guesses_port() && !answered_ever_) {
    guess_ = (guess_ + 1) % kUsualPorts.size();
    return;
  }
  success_ = answered;
  lossy_ = result.lost > 0;
  rtt_ns_ = result.rtt_ns;
  sent_ += result.sent;
  lost_ += result.lost;
  LookAtMtu(failure_began);
}

void Target::TryNextAddress() {
  resolve_again_ = true;
  if (addresses_.size() < 2) return;
  current_ = (current_ + 1) % addresses_.size();
  look_is_due_ = true;
}

void Target::LookAtMtu(bool failure_began) {
  if (!options_.mtu) return;
  look_is_due_ = look_is_due_ || failure_began;
  if (tcp_) mtu_.reset();  // nobody can look any more
  if (tcp_ || success_ != true || look_ != nullptr) return;
  const bool soon = look_is_due_ || unsure_ || (mtu_ && mtu_->limited);
  const auto every = soon ? kMtuAgain : kMtuEvery;
  const int64_t now_ns = tools_.clock.MonotonicNs();
  if (looked_ns_ && now_ns - *looked_ns_ < every.count()) return;
  look_is_due_ = false;
  looked_ns_ = now_ns;
  look_ = std::make_unique<MtuLook>(tools_.loop, tools_.icmp, allowance_, addresses_[current_],
                                    [this](const auto& found) { OnMtu(found); });
}

void Target::OnMtu(const std::optional<PathMtu>& found) {
  unsure_ = !found;
  if (found) mtu_ = *found;
  look_.reset();
}

void Target::Report(std::vector<Reading>& readings) const {
  if (!success_) return;
  const Labels labels = {{"role", options_.role}, {"target", options_.name}};
  Add(readings, "haidang_path_success", labels, *success_);
  if (rtt_ns_) {
    Add(readings, "haidang_path_rtt_seconds", labels, RoundedSeconds(*rtt_ns_));
  }
  if (sent_ == 0) return;  // it has no address
  Add(readings, "haidang_path_sent_total", labels, uint64_t{sent_});
  Add(readings, "haidang_path_lost_total", labels, uint64_t{lost_});
  Add(readings, "haidang_path_method", labels, std::string(tcp_ ? "tcp" : "icmp"));
  if (!mtu_) return;
  if (mtu_->bytes) Add(readings, "haidang_path_mtu_bytes", labels, uint64_t{*mtu_->bytes});
  Add(readings, "haidang_path_mtu_problem", labels, mtu_->problem);
}

}  // namespace haidang::agent
