#include "server/journeys.h"

#include <map>
#include <string_view>

#include "core/query_journeys.h"

namespace haidang::server {
namespace {

void NamePlaces(query::JourneysNow& journeys, const query::Snapshot& snapshot) {
  std::map<std::string_view, std::string_view> names;
  for (const query::Site& site : snapshot.sites) {
    if (!site.valid_to_ms) names[site.code] = site.name;
  }
  for (query::StepNow& step : journeys.steps) {
    for (query::StepAtSite& at : step.sites) {
      const auto name = names.find(at.site);
      if (at.site_name.empty() && name != names.end()) at.site_name = name->second;
    }
  }
}

}  // namespace

Journeys::Journeys(const Clock& clock, CollectorClient& collector, Live& live)
    : clock_(clock), collector_(collector), live_(live) {}

Result<std::shared_ptr<const std::string>> Journeys::Text() {
  const LiveView view = live_.Now();
  if (!view.reachable) return Error{view.reason};
  const std::lock_guard lock(mutex_);
  const int64_t age_ns = clock_.MonotonicNs() - asked_ns_;
  if (!outcome_ || age_ns >= std::chrono::nanoseconds(kKept).count()) {
    outcome_ = Ask(*view.snapshot);
    asked_ns_ = clock_.MonotonicNs();
  }
  return *outcome_;
}

Result<std::shared_ptr<const std::string>> Journeys::Ask(const query::Snapshot& snapshot) {
  Result<query::JourneysNow> journeys = collector_.Journeys();
  if (!journeys) return journeys.error();
  NamePlaces(*journeys, snapshot);
  return std::make_shared<const std::string>(query::EncodeJourneys(*journeys));
}

}  // namespace haidang::server
