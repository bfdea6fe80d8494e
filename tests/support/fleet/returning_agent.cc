#include "tests/support/fleet/returning_agent.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/crc64.h"
#include "tests/support/fleet/fleet_session.h"
#include "tests/support/fleet/generated_source.h"

namespace haidang::fleet {
namespace {

using agent::Link;
using agent::Recorder;
using agent::Sampler;
using agent::Spool;
using agent::TestLedger;
using agent::Tick;
using std::chrono::milliseconds;

constexpr milliseconds kStopDeadline{2000};
// Nobody pulls the plug here: one process does not write for thousands of disks.
constexpr milliseconds kSync{24 * 3600 * 1000};

}  // namespace

Result<std::unique_ptr<ReturningAgent>> ReturningAgent::Open(
    ReturningAgentOptions options, Loop& loop, MovedClock& clock,
    const std::function<double()>& random) {
  std::unique_ptr<ReturningAgent> agent(new ReturningAgent(std::move(options), loop, clock));
  if (Status made = agent->Make(random); !made) return made.error();
  return agent;
}

Status ReturningAgent::Make(const std::function<double()>& random) {
  const uint64_t id = Crc64Of(options_.machine) ^ options_.seed;
  auto spool =
      Spool::Open({.path = options_.directory + "/spool.db", .sync = kSync}, clock_, [random] {
        const auto bits = [&] { return static_cast<uint64_t>(random() * 0x1p32); };
        return bits() << 32 | bits();
      });
  if (!spool) return spool.error();
  spool_ = std::move(*spool);
  if (!options_.ledger.empty()) {
    auto ledger = TestLedger::Open(options_.ledger, options_.machine, *spool_);
    if (!ledger) return ledger.error();
    ledger_ = std::move(*ledger);
  }
  recorder_ = std::make_unique<Recorder>(
      *spool_, clock_, agent::RecorderOptions{.boot_id = id, .ledger = ledger_.get()});
  link_ = std::make_unique<Link>(
      loop_, clock_, MakeLinkOptions(), *recorder_, *spool_, random,
      [this, random](Loop& loop, const Clock& clock, MqttOptions mqtt,
                     const std::vector<MqttSubscription>& subscriptions, MqttHandlers handlers) {
        return Result<std::unique_ptr<MqttSession>>(
            std::make_unique<FleetSession>(loop, clock, options_.broker, std::move(mqtt),
                                           subscriptions, std::move(handlers), random));
      });
  std::vector<std::unique_ptr<agent::Source>> sources;
  sources.push_back(std::make_unique<GeneratedSource>(options_.series, options_.change, id));
  sampler_ = std::make_unique<Sampler>(
      loop_, clock_,
      agent::SamplerOptions{.interval = options_.interval,
                            .offset = agent::SplayOf(options_.machine, options_.interval)},
      std::move(sources), [this](Tick&& tick) { OnTick(std::move(tick)); });
  return {};
}

agent::LinkOptions ReturningAgent::MakeLinkOptions() const {
  agent::LinkOptions link;
  link.group = options_.group;
  link.machine = options_.machine;
  link.machine_class = "server";
  link.os = "linux";
  link.version = HAIDANG_VERSION;
  link.interval = options_.interval;
  link.mqtt.backoff_max = options_.backoff_max;
  return link;
}

int64_t ReturningAgent::NextTick(int64_t after_ms) const {
  const int64_t interval = options_.interval.count();
  const int64_t offset = agent::SplayOf(options_.machine, options_.interval).count();
  return after_ms + interval - (after_ms - offset) % interval;
}

Status ReturningAgent::LiveThrough(int64_t from_ms, int64_t to_ms) {
  for (int64_t at = NextTick(std::max(last_tick_ms_, from_ms)); at <= to_ms; at = NextTick(at)) {
    clock_.MoveTo(at);
    if (Status recorded = Record(sampler_->ReadNow(at)); !recorded) return recorded;
  }
  return {};
}

Status ReturningAgent::Record(Tick&& tick) {
  last_tick_ms_ = tick.wall_ms;
  const auto stored = recorder_->Record(std::move(tick));
  if (!stored) return stored.error();
  ++recorded_;
  link_->Submit(*stored);
  return {};
}

void ReturningAgent::OnTick(Tick&& tick) {
  if (const Status recorded = Record(std::move(tick)); !recorded) {
    fault_ = options_.machine + ": " + recorded.error().message;
  }
}

Status ReturningAgent::Start() {
  if (Status started = link_->Start(); !started) return started;
  // The sampler's first tick waits for no grid: it is started where it will hit the grid.
  const milliseconds lead = std::min(agent::SamplerOptions{}.lead, options_.interval / 4);
  const int64_t now = clock_.WallMs();
  const int64_t next = NextTick(std::max(now + lead.count(), last_tick_ms_));
  start_ = loop_.After(milliseconds(next - now) - lead, [this] { sampler_->Start(); });
  return {};
}

void ReturningAgent::StopSampling() {
  start_.reset();
  sampler_->Stop();
}

void ReturningAgent::Stop(std::function<void()> done) {
  link_->Stop(std::nullopt, kStopDeadline, std::move(done));
}

}  // namespace haidang::fleet
