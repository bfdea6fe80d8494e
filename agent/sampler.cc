#include "agent/sampler.h"

#include <algorithm>
#include <exception>
#include <string>

#include "core/crc64.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxEvents = 256;  // a tick

// `value` modulo `by`, never negative.
int64_t Modulo(int64_t value, int64_t by) { return ((value % by) + by) % by; }

}  // namespace

milliseconds SplayOf(std::string_view machine, milliseconds interval) {
  return milliseconds(Crc64Of(machine) %
                      static_cast<uint64_t>(std::max<int64_t>(interval.count(), 1)));
}

Sampler::Sampler(Loop& loop, const Clock& clock, SamplerOptions options,
                 std::vector<std::unique_ptr<Source>> sources, std::function<void(Tick&&)> deliver)
    : loop_(loop),
      clock_(clock),
      options_(options),
      sources_(std::move(sources)),
      failed_(sources_.size()),
      deliver_(std::move(deliver)) {
  options_.lead = std::min(options_.lead, options_.interval / 4);
}

void Sampler::Start() { Arm(options_.lead); }

void Sampler::Stop() { timer_.reset(); }

void Sampler::AddEvent(Event event) {
  if (events_.size() < kMaxEvents) events_.push_back(std::move(event));
}

void Sampler::Prepare() {
  for (auto& source : sources_) source->Prepare();
}

bool Sampler::Ready() const {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const auto& source) { return source->Ready(); });
}

// Timers run on monotonic time, so a step of the wall clock does not move the tick that is due.
void Sampler::Arm(milliseconds until_tick) {
  due_ns_ = clock_.MonotonicNs() + until_tick.count() * 1'000'000;
  timer_ = loop_.After(until_tick - options_.lead, [this] {
    Prepare();
    // Rounded up: a timer that fires a little early would find the grid's point still ahead.
    const int64_t left_ns = std::max<int64_t>(due_ns_ - clock_.MonotonicNs(), 0);
    timer_ = loop_.After(milliseconds((left_ns + 999'999) / 1'000'000), [this] { Fire(); });
  });
}

void Sampler::Fire() {
  const int64_t wall_ms = clock_.WallMs();
  Arm(UntilNext(wall_ms, options_.interval / 2));
  deliver_(ReadNow(GridTime(wall_ms)));
}

// To the first point of the grid that is `at_least` away.
milliseconds Sampler::UntilNext(int64_t wall_ms, milliseconds at_least) const {
  const int64_t interval = options_.interval.count();
  const int64_t earliest = wall_ms + at_least.count();
  return at_least + milliseconds(Modulo(options_.offset.count() - earliest, interval));
}

// The grid's point that `wall_ms` was meant to hit, or `wall_ms` itself where it is not near: after
// a step of the clock, or on a machine that was too busy to be in time.
int64_t Sampler::GridTime(int64_t wall_ms) const {
  const int64_t interval = options_.interval.count();
  const int64_t after = Modulo(wall_ms - options_.offset.count(), interval);
  const int64_t tolerance = std::min<int64_t>(interval / 10, 500);
  if (after <= tolerance) return wall_ms - after;
  if (interval - after <= tolerance) return wall_ms + (interval - after);
  return wall_ms;
}

Tick Sampler::ReadNow(int64_t wall_ms) {
  Tick tick;
  tick.wall_ms = wall_ms;
  tick.since_boot_ms = clock_.SinceBootMs();
  tick.events = std::move(events_);
  events_.clear();
  GroupReading own{"sampler", true, {}};
  for (size_t i = 0; i < sources_.size(); ++i) {
    ReadSource(*sources_[i], tick, own.readings);
    const bool ok = tick.groups.back().ok;
    if (ok && failed_[i]) spdlog::info("source {}: works again", sources_[i]->name());
    failed_[i] = !ok;
  }
  tick.groups.push_back(std::move(own));
  return tick;
}

void Sampler::ReadSource(Source& source, Tick& tick, std::vector<Reading>& own) {
  GroupReading group;
  group.group = source.name();
  std::vector<Event> events;
  const int64_t begin_ns = clock_.MonotonicNs();
  Status status;
  try {
    status = source.Read(tick.wall_ms, group.readings, events);
  } catch (const std::exception& error) {
    status = Error{error.what()};
  }
  const int64_t took_ms = (clock_.MonotonicNs() - begin_ns + 500'000) / 1'000'000;
  const size_t index = tick.groups.size();
  if (!status.ok()) {
    group.ok = false;
    group.readings.clear();
    if (!failed_[index]) {
      spdlog::warn("source {}: {}", source.name(), Printable(status.error().message));
    }
  }
  for (Event& event : events) {
    if (tick.events.size() < kMaxEvents) tick.events.push_back(std::move(event));
  }
  const Labels labels = {{"collector", std::string(source.name())}};
  own.push_back(
      {{"node_scrape_collector_duration_seconds", labels}, static_cast<double>(took_ms) / 1000});
  own.push_back({{"node_scrape_collector_success", labels}, status.ok()});
  tick.groups.push_back(std::move(group));
}

}  // namespace haidang::agent
