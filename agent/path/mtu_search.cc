#include "agent/path/mtu_search.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace haidang::agent {
namespace {

// Jumbo frames, Ethernet, PPPoE, usual tunnels, the least of IPv6, the least of IPv4.
constexpr std::array<size_t, 11> kUsual = {576,  1280, 1380, 1400, 1420, 1440,
                                           1472, 1492, 1500, 4464, 9000};
constexpr int kVanishedFirst = 3;  // packets of the first size that must vanish to count
constexpr int kVanishedLater = 2;  // of a smaller one
constexpr int kMaxBlind = 3;
constexpr int kMaxTold = 6;

using Fate = TrialResult::Fate;

}  // namespace

MtuSearch::MtuSearch(int family) : least_(family == AF_INET ? 68 : 1280) {}

void MtuSearch::OnPair(const TrialResult& small, const TrialResult& large) {
  if (large.fate == Fate::kAnswered) {
    if (confirming_) return GiveUp();  // it was loss
    came_ = size_;
    return halving_ ? TryBelow() : Conclude();
  }
  if (large.fate == Fate::kTooBig) return confirming_ ? Conclude() : OnTold(large);
  OnVanished(small);
}

void MtuSearch::OnTold(const TrialResult& large) {
  too_large_ = std::min(too_large_, size_);
  vanished_ = 0;
  if (!large.local) limited_ = true;
  if (++told_ > kMaxTold) return GiveUp();
  // Who says nothing of use (old routers, or somebody who would have us send crumbs) is not obeyed.
  if (large.told_mtu >= least_ && large.told_mtu < size_ && large.told_mtu > came_) {
    size_ = large.told_mtu;
    return;
  }
  halving_ = true;
  TryBelow();
}

void MtuSearch::OnVanished(const TrialResult& small) {
  if (small.fate != Fate::kAnswered) {
    if (++blind_ >= kMaxBlind) GiveUp();
    return;
  }
  if (confirming_) return Conclude();
  if (++vanished_ < (halving_ ? kVanishedLater : kVanishedFirst)) return;
  too_large_ = size_;
  vanished_ = 0;
  silent_ = limited_ = halving_ = true;
  TryBelow();
}

// The middle one of the usual sizes that are still in question.
void MtuSearch::TryBelow() {
  const auto* const begin = std::upper_bound(kUsual.begin(), kUsual.end(), came_);
  const auto* const end = std::lower_bound(begin, kUsual.end(), too_large_);
  const auto* const low = std::lower_bound(begin, end, least_);
  if (low == end) {
    if (!silent_) return Conclude();
    confirming_ = true;
    size_ = too_large_;
    return;
  }
  size_ = *(low + (end - low) / 2);
}

void MtuSearch::Conclude() {
  over_ = true;
  found_ = PathMtu{.bytes = came_ > 0 ? std::optional(came_) : std::nullopt,
                   .problem = silent_,
                   .limited = limited_};
}

void MtuSearch::GiveUp() {
  over_ = true;
  found_.reset();
}

}  // namespace haidang::agent
