#include "agent/probe/probe_source.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "agent/cadence.h"
#include "agent/journey/journey_runner.h"
#include "agent/probe/step_record.h"
#include "agent/sampler.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxWalks = 32;  // under way at once
constexpr auto kLookEvery = 500ms;
constexpr std::chrono::milliseconds kLongestSplay = 15s;

struct Watched {
  Cadence cadence;
  StepRecord record;
  std::unique_ptr<Probe> probe = {};
};

class ProbeSource final : public Source {
 public:
  ProbeSource(std::unique_ptr<const CurlApi> api, Loop& loop, const Clock& clock,
              ProbeSourceOptions options, Lookup lookup)
      : api_(std::move(api)),
        clock_(clock),
        http_(*api_, loop, clock),
        resolver_(loop, std::move(lookup)),
        journeys_(std::move(options.journeys)) {
    probes_.reserve(options.probes.size());  // probes call back into them
    for (ProbeOptions& probe : options.probes) {
      Watched watched{.cadence = {clock, probe.interval, options.interval},
                      .record = {probe.journey, probe.step, {}}};
      watched.probe = std::make_unique<Probe>(std::move(probe), loop, clock_, http_, resolver_);
      probes_.push_back(std::move(watched));
    }
    if (options.leases != nullptr && !journeys_.empty()) AddRunners(loop, options);
  }

  std::string_view name() const override { return "probe"; }

  void Prepare() override {
    for (Watched& watched : probes_) {
      if (watched.probe->running() || !watched.cadence.IsDue()) continue;
      watched.cadence.Begin();
      watched.probe->Run([this, &watched](const ProbeResult& result) {
        watched.record.Take(result, clock_.WallMs(), events_);
      });
    }
  }

  bool Ready() const override {
    return std::none_of(probes_.begin(), probes_.end(),
                        [](const Watched& watched) { return watched.probe->running(); });
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>& events) override {
    for (const Watched& watched : probes_) watched.record.Report(readings);
    std::move(events_.begin(), events_.end(), std::back_inserter(events));
    events_.clear();
    for (const auto& runner : runners_) runner->Report(readings, events);
    return {};
  }

 private:
  void AddRunners(Loop& loop, const ProbeSourceOptions& options) {
    const WalkTools tools{*api_, loop, clock_, http_, resolver_};
    for (const JourneyOptions& journey : journeys_) {
      const auto splay =
          SplayOf(options.machine + "/" + journey.name, std::min(journey.interval, kLongestSplay));
      runners_.push_back(std::make_unique<JourneyRunner>(journey, tools, *options.leases, splay));
    }
    looks_ = loop.Every(kLookEvery, [this] { Look(); });
  }

  // Those that wait longest go first.
  void Look() {
    std::vector<std::pair<int64_t, JourneyRunner*>> due;
    size_t walking = 0;
    for (const auto& runner : runners_) {
      if (const auto since = runner->DueSince()) due.emplace_back(*since, runner.get());
      walking += runner->walking() ? 1 : 0;
    }
    std::sort(due.begin(), due.end());
    for (const auto& [since, runner] : due) {
      if (walking++ >= kMaxWalks) return;
      runner->Walk();
    }
  }

  std::unique_ptr<const CurlApi> api_;
  const Clock& clock_;
  Http http_;
  Resolver resolver_;
  const std::vector<JourneyOptions> journeys_;
  std::vector<Watched> probes_;
  std::vector<Event> events_;
  std::vector<std::unique_ptr<JourneyRunner>> runners_;
  std::unique_ptr<Timer> looks_;
};

}  // namespace

Result<std::unique_ptr<Source>> MakeProbeSource(Loop& loop, const Clock& clock,
                                                ProbeSourceOptions options, Lookup lookup) {
  auto api = CurlApi::Load();
  if (!api) return api.error();
  return std::unique_ptr<Source>(std::make_unique<ProbeSource>(
      std::move(*api), loop, clock, std::move(options), std::move(lookup)));
}

Status CheckProbing() {
  const auto api = CurlApi::Load();
  return api ? Status() : Status(api.error());
}

}  // namespace haidang::agent
