#include "collector/lease_desk.h"

#include <utility>

#include "core/log.h"
#include "core/sparkplug/command.h"
#include "core/sparkplug/topic.h"

namespace haidang::collector {
namespace {

std::optional<bool> Flag(const Head& head, uint32_t slot) {
  const auto number = head.Number(slot);
  return number ? std::optional(*number != 0) : std::nullopt;
}

}  // namespace

LeaseDesk::LeaseDesk(std::string group, double max_requests_per_second, Fleet& fleet,
                     std::function<const Places&()> places, Publish publish, Metrics& metrics,
                     const Clock& clock)
    : group_(std::move(group)),
      fleet_(fleet),
      places_(std::move(places)),
      publish_(std::move(publish)),
      metrics_(metrics),
      leases_(max_requests_per_second, fleet.machines().empty() ? journeys::Leases::kFirstStartMs
                                                                : journeys::Leases::kStartMs),
      left_out_(clock, "journeys left out") {}

void LeaseDesk::SeeTick(const Machine& machine, Moment now) {
  const std::vector<WalkSlots>& walks = machine.roles.walks;
  counters_.clear();
  for (const WalkSlots& walk : walks) {
    for (const uint32_t slot : walk.requests) {
      counters_.push_back({machine.slots[slot]->identity, machine.head.Number(slot)});
    }
  }
  reports_.clear();
  size_t begin = 0;
  for (const WalkSlots& walk : walks) {
    journeys::Report& report = reports_.emplace_back();
    report.journey = walk.journey;
    report.shared = Flag(machine.head, walk.shared);
    report.leased = Flag(machine.head, walk.leased);
    report.interval_seconds = machine.head.Number(walk.interval);
    report.runs = machine.head.Number(walk.runs);
    report.requests = std::span(counters_).subspan(begin, walk.requests.size());
    begin += walk.requests.size();
  }
  journeys::Reading reading;
  reading.machine = machine.row.id;
  reading.name = machine.row.name;
  reading.interval_ms = machine.row.interval_ms;
  reading.reports = reports_;
  if (reports_.empty()) return leases_.See(reading, now.mono_ms);
  const Place place =
      places_().Of(machine.row.name, machine.site, machine.machine_class, now.wall_ms);
  reading.site = place.site;
  reading.server = place.machine_class == "server";
  leases_.See(reading, now.mono_ms);
}

void LeaseDesk::SeePresence(const Machine& machine) {
  const query::State state = machine.presence.state();
  if (state == query::State::kOnline) return;  // with its birth, or its next batch
  leases_.Gone(machine.row.id,
               state == query::State::kStopped || state == query::State::kSuspended);
}

void LeaseDesk::Born(const Machine& machine, Moment now) {
  leases_.Born(machine.row.id, now.mono_ms);
}

void LeaseDesk::EverySecond(Moment now, bool settled) {
  leases_.Listen(now.mono_ms);
  leases_.Decide(now.mono_ms, settled);
  leases_.Tell(now.mono_ms, [&](int64_t id, std::span<const sparkplug::Lease> leases) {
    const Machine* machine = fleet_.ByRow(id);
    if (machine == nullptr) return true;
    MqttMessage message;
    message.topic = sparkplug::ToString({sparkplug::MessageType::kNCmd, group_, machine->row.name});
    message.payload = sparkplug::EncodeJourneys(leases, now.wall_ms);
    return publish_(std::move(message));
  });
  if (seconds_++ % kCountEvery == 0) Count(now);
}

void LeaseDesk::Count(Moment now) {
  std::map<std::string, Metrics::JourneyGauges> before = std::exchange(gauges_, {});
  leases_.ForEachJourney(
      now.mono_ms, [&](const std::string& journey, const journeys::Leases::Summary& summary) {
        auto node = before.extract(journey);
        const Metrics::JourneyGauges& gauges =
            node.empty() ? gauges_.emplace(journey, metrics_.Journey(journey)).first->second
                         : gauges_.insert(std::move(node)).position->second;
        gauges.requests->Set(summary.requests_per_second);
        gauges.allowed->Set(summary.shared ? leases_.bound() : 0);
        gauges.sites->Set(static_cast<double>(summary.sites));
        gauges.without->Set(static_cast<double>(summary.without));
      });
  for (const auto& [journey, gauges] : before) metrics_.Forget(gauges);
  left_out_.Tick();
  if (std::exchange(left_out_before_, leases_.left_out()) == leases_.left_out()) return;
  if (!left_out_.Met("bounds")) return;
  spdlog::warn(
      "journeys are left out: one machine may have {}, the province {}, shared at {} sites "
      "together; names have up to {} bytes and no control characters",
      sparkplug::kMaxLeases, journeys::Leases::kMaxJourneys, journeys::Leases::kMaxSites,
      sparkplug::kMaxJourneyNameBytes);
}

void LeaseDesk::Describe(Moment now, query::JourneysNow& journeys) const {
  leases_.Describe(now.mono_ms, journeys.leases, journeys.loads);
}

}  // namespace haidang::collector
