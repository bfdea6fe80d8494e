#include "server/metrics.h"

#include <prometheus/text_serializer.h>

#include "core/catalogue.h"

namespace haidang::server {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds{0.001, 0.005, 0.02, 0.1, 0.5, 2};

std::string Help(const char* name) {
  const MetricInfo* info = FindMetric(name);
  return info != nullptr ? std::string(info->help_en) : "";
}

}  // namespace

template <>
prometheus::Family<prometheus::Counter>& Metrics::Add(const char* name) {
  return prometheus::BuildCounter().Name(name).Help(Help(name)).Register(registry_);
}

template <>
prometheus::Family<prometheus::Gauge>& Metrics::Add(const char* name) {
  return prometheus::BuildGauge().Name(name).Help(Help(name)).Register(registry_);
}

template <>
prometheus::Family<prometheus::Histogram>& Metrics::Add(const char* name) {
  return prometheus::BuildHistogram().Name(name).Help(Help(name)).Register(registry_);
}

Metrics::Metrics(const Clock& clock)
    : clock_(clock),
      requests_(Add<prometheus::Counter>("haidang_server_requests_total")),
      request_seconds_(
          Add<prometheus::Histogram>("haidang_server_request_duration_seconds").Add({}, kSeconds)),
      connections_(Add<prometheus::Gauge>("haidang_server_connections").Add({})),
      streams_(Add<prometheus::Gauge>("haidang_server_streams").Add({})),
      streams_refused_(Add<prometheus::Counter>("haidang_server_streams_refused_total").Add({})),
      collector_up_(Add<prometheus::Gauge>("haidang_server_collector_up").Add({})),
      collector_answered_(
          Add<prometheus::Gauge>("haidang_server_collector_answered_timestamp_seconds").Add({})),
      collector_failures_(
          Add<prometheus::Counter>("haidang_server_collector_failures_total").Add({})),
      collector_seconds_(Add<prometheus::Histogram>("haidang_server_collector_duration_seconds")
                             .Add({}, kSeconds)),
      snapshot_version_(Add<prometheus::Gauge>("haidang_server_snapshot_version").Add({})) {
  Add<prometheus::Gauge>("haidang_server_build_info").Add({{"version", HAIDANG_VERSION}}).Set(1);
}

void Metrics::Asked(bool answered, double seconds) {
  collector_up_.Set(answered ? 1 : 0);
  collector_seconds_.Observe(seconds);
  if (answered) {
    collector_answered_.Set(static_cast<double>(clock_.WallMs()) / 1000.0);
  } else {
    collector_failures_.Increment();
  }
}

void Metrics::SnapshotIs(int64_t version) { snapshot_version_.Set(static_cast<double>(version)); }

void Metrics::Answered(const std::string& route, int status, double seconds) {
  requests_.Add({{"code", std::to_string(status)}, {"route", route}}).Increment();
  request_seconds_.Observe(seconds);
}

void Metrics::StreamsAre(int count) { streams_.Set(count); }
void Metrics::StreamRefused() { streams_refused_.Increment(); }
void Metrics::ConnectionsAre(size_t count) { connections_.Set(static_cast<double>(count)); }

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace haidang::server
