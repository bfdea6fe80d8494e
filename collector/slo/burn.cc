#include "collector/slo/burn.h"

#include <algorithm>

namespace haidang::slo {
namespace {

// What a window holds, in steps of working time; the newest step is only under way, so one more.
constexpr std::array<size_t, 4> kSteps = {2, 7, 13, 73};
constexpr size_t kPeriodToDays = 10;  // 30 days hold so many times 3 days

// Google, "The Site Reliability Workbook", chapter 5, table 5-8.
struct Rule {
  Alarm alarm;
  Window longer, shorter;
  double rate;
};
constexpr Rule kRules[] = {{Alarm::kPage, Window::k1h, Window::k5m, 14.4},
                           {Alarm::kPage, Window::k6h, Window::k30m, 6},
                           {Alarm::kTicket, Window::k3d, Window::k6h, 1}};
// Of a loose objective no rate is reached above 1 / (1 - target): so many bad runs do always.
constexpr double kMostBad = 0.8;
// Fewer bad runs than this are no alarm, however few runs there are.
constexpr double kFewestBad = 5;

double Bad(const Runs& runs) { return std::max(runs.all - runs.good, 0.0); }

std::optional<double> Rate(const Runs& runs, double target) {
  if (!(runs.all > 0)) return std::nullopt;
  return Bad(runs) / runs.all / (1 - target);
}

size_t IndexOf(Window window) { return static_cast<size_t>(window); }

using Sums = std::array<Runs, kWindows.size()>;

Sums Add(const RunCounts& counts, const WorkingTime& working) {
  size_t working_steps = 0;
  for (int64_t at = counts.oldest_ms(); at <= counts.newest_ms(); at += kBucketMs) {
    if (working.At(at)) ++working_steps;
  }
  std::array<size_t, kWindows.size()> sizes{};
  std::copy(kSteps.begin(), kSteps.end(), sizes.begin());
  sizes[IndexOf(Window::k3d)] = working_steps / kPeriodToDays;
  sizes[IndexOf(Window::k30d)] = working_steps;
  Sums sums{};
  size_t step = 0;
  for (int64_t at = counts.newest_ms(); at >= counts.oldest_ms(); at -= kBucketMs) {
    if (!working.At(at)) continue;
    const Runs runs = counts.At(at);
    for (size_t window = 0; window < sums.size(); ++window) {
      if (step >= sizes[window]) continue;
      sums[window].good += std::min(runs.good, runs.all);
      sums[window].all += runs.all;
    }
    ++step;
  }
  return sums;
}

}  // namespace

std::string_view ToString(Alarm alarm) {
  switch (alarm) {
    case Alarm::kNone:
      return "";
    case Alarm::kTicket:
      return "ticket";
    case Alarm::kPage:
      return "page";
  }
  return "";
}

Standing Stand(const RunCounts& counts, const WorkingTime& working, double target) {
  const Sums sums = Add(counts, working);
  Standing standing;
  for (size_t window = 0; window < sums.size(); ++window) {
    standing.burn[window] = Rate(sums[window], target);
  }
  const Runs& period = sums[IndexOf(Window::k30d)];
  if (period.all > 0) {
    standing.good_ratio = period.good / period.all;
    standing.budget_left_ratio = 1 - *standing.burn[IndexOf(Window::k30d)];
  }
  for (const Rule& rule : kRules) {
    const auto& longer = standing.burn[IndexOf(rule.longer)];
    const auto& shorter = standing.burn[IndexOf(rule.shorter)];
    const double rate = std::min(rule.rate, kMostBad / (1 - target));
    if (longer > rate && shorter > rate && Bad(sums[IndexOf(rule.longer)]) >= kFewestBad) {
      standing.alarm = rule.alarm;
      standing.alarm_rate = *longer;
      break;
    }
  }
  return standing;
}

}  // namespace haidang::slo
