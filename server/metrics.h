#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

#include "core/clock.h"

namespace haidang::server {

// The server's own health, for /metrics. Names and help texts stand in core/catalogue. Thread-safe.
class Metrics {
 public:
  explicit Metrics(const Clock& clock);

  // A question to the collector was answered, or failed, after `seconds`.
  void Asked(bool answered, double seconds);
  void SnapshotIs(int64_t version);
  // A request was answered. `route` is the route's pattern, never the path: labels stay few.
  void Answered(const std::string& route, int status, double seconds);
  void StreamsAre(int count);
  void StreamRefused();
  void ConnectionsAre(size_t count);

  // Prometheus' text format.
  std::string Text() const;

 private:
  template <typename Kind>
  prometheus::Family<Kind>& Add(const char* name);

  const Clock& clock_;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Histogram& request_seconds_;
  prometheus::Gauge& connections_;
  prometheus::Gauge& streams_;
  prometheus::Counter& streams_refused_;
  prometheus::Gauge& collector_up_;
  prometheus::Gauge& collector_answered_;
  prometheus::Counter& collector_failures_;
  prometheus::Histogram& collector_seconds_;
  prometheus::Gauge& snapshot_version_;
};

}  // namespace haidang::server
