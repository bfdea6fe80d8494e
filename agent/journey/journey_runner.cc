#include "agent/journey/journey_runner.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/sources/text.h"

namespace haidang::agent {

using std::chrono::nanoseconds;

JourneyRunner::JourneyRunner(const JourneyOptions& options, const WalkTools& tools,
                             const JourneyLeases& leases, std::chrono::milliseconds splay)
    : options_(options),
      leases_(leases),
      clock_(tools.clock),
      splay_(splay),
      walk_(options, tools) {
  for (const StepOptions& step : options.steps) {
    steps_.emplace_back(options.name, step.rules.step, step.depends_on);
    order_ += (order_.empty() ? "" : ",") + step.rules.step;
  }
}

std::optional<nanoseconds> JourneyRunner::Interval() const {
  constexpr double kLongest = 24 * 3600;
  nanoseconds interval = options_.interval;
  if (!options_.shared) return interval;
  const auto leased = leases_.IntervalOf(options_.name);
  if (!leased) return std::nullopt;
  // Never more often than this machine's own configuration allows.
  const double seconds = std::clamp(*leased, 0.0, kLongest);
  return std::max(interval, nanoseconds(static_cast<int64_t>(seconds * 1e9)));
}

std::optional<int64_t> JourneyRunner::DueSince() {
  const int64_t now_ns = clock_.MonotonicNs();
  if (!Interval()) {
    due_ns_.reset();
    if (!walking() && std::exchange(walked_, false)) {
      for (StepRecord& step : steps_) step.Forget();
    }
    return std::nullopt;
  }
  if (!due_ns_) due_ns_ = now_ns + splay_.count();
  if (walking() || now_ns < *due_ns_) return std::nullopt;
  return due_ns_;
}

void JourneyRunner::Walk() {
  // The next one at its own time, however long this one waited; turns that were missed are not made
  // up for.
  const int64_t interval_ns = Interval().value_or(nanoseconds(options_.interval)).count();
  const int64_t now_ns = clock_.MonotonicNs();
  *due_ns_ += interval_ns * ((now_ns - *due_ns_) / interval_ns + 1);
  reached_ = 0;
  duration_us_ = 0;
  failed_step_.reset();
  walk_.Begin([this](size_t step, int64_t, const ProbeResult& result) { OnStep(step, result); },
              [this] { OnDone(); });
}

void JourneyRunner::OnStep(size_t step, const ProbeResult& result) {
  steps_[step].Take(result, clock_.WallMs(), events_);
  reached_ = step + 1;
  duration_us_ += result.times.total();
  if (result.reason != ProbeReason::kNone) failed_step_ = step;
}

void JourneyRunner::OnDone() {
  for (size_t step = reached_; step < steps_.size(); ++step) steps_[step].Forget();
  ++runs_;
  walked_ = true;
  last_failed_step_ = failed_step_;
  last_duration_us_ = duration_us_;
}

void JourneyRunner::Report(std::vector<Reading>& readings, std::vector<Event>& events) {
  const Labels labels = {{"journey", options_.name}};
  const auto interval = Interval();
  const double own = std::chrono::duration<double>(options_.interval).count();
  Add(readings, "haidang_journey_shared", labels, options_.shared);
  Add(readings, "haidang_journey_leased", labels, interval.has_value());
  Add(readings, "haidang_journey_interval_seconds", labels,
      interval ? std::chrono::duration<double>(*interval).count() : own);
  Add(readings, "haidang_journey_steps", labels, order_);
  Add(readings, "haidang_journey_runs_total", labels, uint64_t{runs_});
  if (walked_) {
    Add(readings, "haidang_journey_success", labels, !last_failed_step_.has_value());
    Add(readings, "haidang_journey_failed_step", labels,
        last_failed_step_ ? steps_[*last_failed_step_].step() : std::string());
    Add(readings, "haidang_journey_duration_seconds", labels,
        static_cast<double>(last_duration_us_) / 1e6);
  }
  for (const StepRecord& step : steps_) step.Report(readings);
  std::move(events_.begin(), events_.end(), std::back_inserter(events));
  events_.clear();
}

}  // namespace haidang::agent
