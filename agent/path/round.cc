#include "agent/path/round.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace haidang::agent {

Round::Round(Loop& loop, Prober& prober, const Address& to, const Plan& plan,
             std::function<void(const RoundResult&)> done)
    : prober_(prober), to_(to), plan_(plan), done_(std::move(done)) {
  SendOne();
  if (plan_.trials > 1) timer_ = loop.Every(plan_.apart, [this] { SendOne(); });
}

void Round::SendOne() {
  ++result_.sent;
  if (result_.sent >= plan_.trials) timer_.reset();
  trials_.push_back(
      prober_.Try(to_, kSmallTrial, [this](const TrialResult& result) { OnResult(result); }));
}

void Round::OnResult(const TrialResult& result) {
  if (result.fate == TrialResult::Fate::kAnswered) {
    answered_.push_back(result.rtt_ns);
  } else {
    ++result_.lost;
  }
  if (answered_.size() + result_.lost < plan_.trials) return;
  result_.rtt_ns = MedianOf(std::move(answered_));
  const auto done = std::exchange(done_, nullptr);
  const RoundResult all = result_;
  done(all);
}

std::optional<int64_t> MedianOf(std::vector<int64_t> numbers) {
  if (numbers.empty()) return std::nullopt;
  std::sort(numbers.begin(), numbers.end());
  const size_t middle = numbers.size() / 2;
  if (numbers.size() % 2 == 1) return numbers[middle];
  return numbers[middle - 1] + (numbers[middle] - numbers[middle - 1]) / 2;
}

double RoundedSeconds(int64_t ns) { return std::round(static_cast<double>(ns) / 1e3) / 1e6; }

}  // namespace haidang::agent
