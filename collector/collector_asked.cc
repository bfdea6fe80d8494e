#include <memory>
#include <utility>

#include "collector/collector.h"

// What other threads ask of the collector, or do for it.
namespace haidang::collector {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kAskPatience = 2s;

}  // namespace

QueryBackend Collector::Backend() {
  QueryBackend backend;
  backend.overview = [this] {
    return loop_.Ask<query::Overview>([this] { return DescribeNow(); }, kAskPatience);
  };
  backend.journeys = [this] {
    return loop_.Ask<query::JourneysNow>([this] { return DescribeJourneys(); }, kAskPatience);
  };
  backend.snapshot = [this] {
    return loop_.Ask<query::Snapshot>([this] { return places_.snapshot(); }, kAskPatience);
  };
  backend.put_snapshot = [this](query::Snapshot snapshot) {
    auto held = std::make_shared<query::Snapshot>(std::move(snapshot));
    return loop_.Order<QueryBackend::Put>([this, held] { return PutSnapshot(std::move(*held)); },
                                          kAskPatience);
  };
  backend.open_reader = [this, path = store_->path()] {
    return store::OpenReader(path, {.clock = &clock_, .rollups = store::ReadRollups});
  };
  backend.fleet = AskSeries();
  backend.answered = [this](std::string_view kind, double seconds) {
    metrics_.Answered(kind, seconds);
  };
  return backend;
}

query::JourneysNow Collector::DescribeJourneys() const {
  const Moment now = ingest_.Now();
  query::JourneysNow journeys;
  journeys.now_ms = now.wall_ms;
  // Where nothing arrives, or nothing of it can be stored, nothing is known of now.
  if (broker_.connected() && !not_stored_since_ms_) {
    journeys_.Describe(now, journeys);
    lease_desk_.Describe(now, journeys);
  }
  objectives_.Describe(journeys);  // of what is stored
  return journeys;
}

QueryBackend::Put Collector::PutSnapshot(query::Snapshot snapshot) {
  const int64_t version = places_.snapshot().version;
  if (snapshot.version < version) return QueryBackend::Put::kOlder;
  if (snapshot.version == version) {
    const bool same = query::EncodeSnapshot(snapshot) == query::EncodeSnapshot(places_.snapshot());
    return same ? QueryBackend::Put::kTaken : QueryBackend::Put::kOlder;
  }
  coming_places_.emplace(std::move(snapshot));
  snapshot_unsaved_ = true;
  const bool taken = ingest_.Commit().ok();
  if (taken) places_ = std::move(*coming_places_);
  coming_places_.reset();
  if (!taken) snapshot_unsaved_ = false;
  return taken ? QueryBackend::Put::kTaken : QueryBackend::Put::kFailed;
}

void Collector::RememberJourneys() {
  auto history = std::make_shared<JourneyHistory>();
  // Without a clock, which may be gone before a worker is: what is read is bounded all the same.
  const auto read = [history, path = store_->path(), now_ms = clock_.WallMs()] {
    auto reader = store::OpenReader(path, {.rollups = store::ReadRollups});
    if (reader) *history = ReadJourneyHistory(**reader, now_ms);
  };
  loop_.Work(read, [this, history] { journeys_.Remember(*history); });
}

std::function<std::optional<FleetNow>(WantSeries)> Collector::AskSeries() {
  return [this](WantSeries want) {
    return loop_.Ask<FleetNow>(
        [this, want = std::move(want)] {
          return broker_.connected() ? CopyFleet(*fleet_, places_, ingest_.Now(), want)
                                     : FleetNow{};
        },
        kAskPatience);
  };
}

std::function<std::optional<FleetNow>()> Collector::AskFleet() {
  return [ask = AskSeries()] { return ask({}); };
}

std::function<std::optional<std::string>()> Collector::AskReady() {
  return [this] { return loop_.Ask<std::string>([this] { return WhyNotReady(); }, kAskPatience); };
}

}  // namespace haidang::collector
