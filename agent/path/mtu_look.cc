#include "agent/path/mtu_look.h"

#include <algorithm>
#include <utility>

namespace haidang::agent {

using std::chrono::milliseconds;

milliseconds LargePackets::Wait() {
  constexpr int64_t kMinuteNs = 60'000'000'000;
  const int64_t now_ns = clock_.MonotonicNs();
  while (!sent_ns_.empty() && now_ns - sent_ns_.front() >= kMinuteNs) sent_ns_.pop_front();
  if (sent_ns_.size() < kMost) return milliseconds(0);
  return milliseconds((kMinuteNs - (now_ns - sent_ns_.front())) / 1'000'000 + 1);
}

void LargePackets::Sent() { sent_ns_.push_back(clock_.MonotonicNs()); }

MtuLook::MtuLook(Loop& loop, Prober& prober, LargePackets& allowance, const Address& to,
                 std::function<void(const std::optional<PathMtu>&)> done)
    : loop_(loop),
      prober_(prober),
      allowance_(allowance),
      to_(to),
      done_(std::move(done)),
      search_(to.family()) {
  timer_ = loop_.After(milliseconds(0), [this] { SendPair(); });
}

void MtuLook::SendPair() {
  if (const milliseconds wait = allowance_.Wait(); wait > milliseconds(0)) {
    timer_ = loop_.After(wait, [this] { SendPair(); });
    return;
  }
  small_result_.reset();
  large_result_.reset();
  small_ = prober_.Try(to_, kSmallTrial, [this](const TrialResult& result) {
    small_result_ = result;
    OnOne();
  });
  large_ = prober_.Try(to_, search_.size(), [this](const TrialResult& result) {
    large_result_ = result;
    OnOne();
  });
}

void MtuLook::OnOne() {
  if (!small_result_ || !large_result_) return;
  // What this machine's device refused was not sent.
  if (!large_result_->local) allowance_.Sent();
  search_.OnPair(*small_result_, *large_result_);
  if (!search_.over()) {
    timer_ = loop_.After(milliseconds(0), [this] { SendPair(); });
    return;
  }
  const auto done = std::exchange(done_, nullptr);
  const auto found = search_.found();
  done(found);
}

}  // namespace haidang::agent
