#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "collector/acknowledger.h"
#include "collector/complaints.h"
#include "collector/fleet.h"
#include "collector/journeys/leases.h"
#include "collector/metrics.h"
#include "collector/places.h"
#include "core/clock.h"
#include "core/query_journeys.h"

namespace haidang::collector {

// Reads from machines' heads which journeys they share, and tells them which ones they walk
// (`Node Control/Journeys`). Loop thread only.
class LeaseDesk {
 public:
  // What is passed by reference must outlive it.
  LeaseDesk(std::string group, double max_requests_per_second, Fleet& fleet,
            std::function<const Places&()> places, Publish publish, Metrics& metrics,
            const Clock& clock);

  void SeeTick(const Machine& machine, Moment now);  // a live batch moved its head on
  void SeePresence(const Machine& machine);          // its state changed
  void Born(const Machine& machine, Moment now);
  // While the broker is connected.
  void EverySecond(Moment now, bool settled);

  void Describe(Moment now, query::JourneysNow& journeys) const;

 private:
  void Count(Moment now);

  static constexpr int kCountEvery = 5;  // seconds

  std::string group_;
  Fleet& fleet_;
  std::function<const Places&()> places_;
  Publish publish_;
  Metrics& metrics_;
  journeys::Leases leases_;
  Complaints left_out_;
  size_t left_out_before_ = 0;
  int seconds_ = 0;
  std::map<std::string, Metrics::JourneyGauges> gauges_;  // by journey

  // Of the batch at hand.
  std::vector<journeys::Report> reports_;
  std::vector<journeys::Counter> counters_;
};

}  // namespace haidang::collector
