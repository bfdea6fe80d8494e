#include <memory>
#include <utility>

#include "collector/collector.h"

// What other threads ask of the collector.
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
