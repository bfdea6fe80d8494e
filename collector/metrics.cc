#include "collector/metrics.h"

#include <stdexcept>

#include "core/catalogue.h"

namespace haidang::collector {
namespace {

std::string Name(const char* rest) { return std::string("haidang_collector_") + rest; }

std::string Help(const std::string& name) {
  const MetricInfo* info = FindMetric(name);
  if (info == nullptr) throw std::logic_error(name + " is not in the catalogue");
  return std::string(info->help_en);
}

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const char* rest) {
  const std::string name = Name(rest);
  return prometheus::BuildCounter().Name(name).Help(Help(name)).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(prometheus::Registry& registry, const char* rest) {
  const std::string name = Name(rest);
  return prometheus::BuildGauge().Name(name).Help(Help(name)).Register(registry);
}

prometheus::Counter& Counter(prometheus::Registry& registry, const char* rest) {
  return Counters(registry, rest).Add({});
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* rest) {
  return Gauges(registry, rest).Add({});
}

prometheus::Family<prometheus::Gauge>& Journeys(prometheus::Registry& registry,
                                                const std::string& name) {
  return prometheus::BuildGauge().Name(name).Help(Help(name)).Register(registry);
}

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

prometheus::Family<prometheus::Histogram>& Seconds(prometheus::Registry& registry,
                                                   const char* rest) {
  const std::string name = Name(rest);
  return prometheus::BuildHistogram().Name(name).Help(Help(name)).Register(registry);
}

}  // namespace

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      refused_(Counters(*registry_, "refused_messages_total")),
      quarantined_(Counters(*registry_, "quarantined_batches_total")),
      odd_births_(Counters(*registry_, "odd_births_total")),
      machines_(Gauges(*registry_, "machines")),
      open_findings_(Gauges(*registry_, "open_findings")),
      remote_sent_(Counters(*registry_, "remote_sent_samples_total")),
      remote_dropped_(Counters(*registry_, "remote_dropped_samples_total")),
      remote_retried_(Counters(*registry_, "remote_retried_samples_total")),
      remote_pending_(Gauges(*registry_, "remote_pending_samples")),
      remote_lag_(Gauges(*registry_, "remote_lag_seconds")),
      query_seconds_(Seconds(*registry_, "query_duration_seconds")),
      remote_lag_rows_(Gauges(*registry_, "remote_lag_rows")),
      journey_requests_(Journeys(*registry_, "haidang_journey_requests_per_second")),
      journey_allowed_(Journeys(*registry_, "haidang_journey_requests_allowed_per_second")),
      journey_sites_(Journeys(*registry_, "haidang_journey_sites")),
      journey_without_(Journeys(*registry_, "haidang_journey_sites_without_holder")),
      objective_target_(Journeys(*registry_, "haidang_objective_target_ratio")),
      objective_good_(Journeys(*registry_, "haidang_objective_good_ratio")),
      objective_budget_left_(Journeys(*registry_, "haidang_objective_budget_left_ratio")),
      objective_burn_(Journeys(*registry_, "haidang_objective_burn_rate")),
      objective_alarm_(Journeys(*registry_, "haidang_objective_alarm")),
      received_bytes(Counter(*registry_, "received_bytes_total")),
      births(Counter(*registry_, "births_total")),
      deaths(Counter(*registry_, "deaths_total")),
      batches(Counter(*registry_, "batches_total")),
      values(Counter(*registry_, "values_total")),
      duplicates(Counter(*registry_, "duplicate_batches_total")),
      seq_gaps(Counter(*registry_, "seq_gaps_total")),
      rebirths_asked(Counter(*registry_, "rebirths_asked_total")),
      acknowledgements(Counter(*registry_, "acknowledgements_total")),
      gap_batches(Counter(*registry_, "gap_batches_total")),
      capped_series(Counter(*registry_, "capped_series_total")),
      held_dropped(Counter(*registry_, "held_dropped_total")),
      blocks(Counter(*registry_, "blocks_total")),
      block_batches(Counter(*registry_, "block_batches_total")),
      block_bytes(Counter(*registry_, "block_bytes_total")),
      rollup_pieces(Counter(*registry_, "rollup_pieces_total")),
      rollup_bytes(Counter(*registry_, "rollup_bytes_total")),
      commits(Counter(*registry_, "commits_total")),
      commit_failures(Counter(*registry_, "commit_failures_total")),
      commit_seconds(Seconds(*registry_, "commit_duration_seconds").Add({}, kSeconds)),
      journal_lag(Gauge(*registry_, "journal_lag_seconds")),
      journal_rows(Gauge(*registry_, "journal_rows")),
      open_windows(Gauge(*registry_, "open_windows")),
      rollup_windows_due(Gauge(*registry_, "rollup_windows_due")),
      series(Gauge(*registry_, "series")),
      held_messages(Gauge(*registry_, "held_messages")),
      held_bytes(Gauge(*registry_, "held_bytes")),
      catching_up(Gauge(*registry_, "machines_catching_up")),
      broker_connected(Gauge(*registry_, "broker_connected")) {
  Gauges(*registry_, "build_info").Add({{"version", HAIDANG_VERSION}}).Set(1);
  for (const char* reason : {"malformed", "oversized", "topic", "foreign", "machines", "holes",
                             "quota", "events", "stale_death", "birth"}) {
    refused_.Add({{"reason", reason}});
  }
  for (const char* reason : {"crc", "other_crc", "alias_redefined", "implausible_time"}) {
    quarantined_.Add({{"reason", reason}});
  }
  for (const char* field : {"class", "site"}) odd_births_.Add({{"field", field}});
}

void Metrics::OddBirth(std::string_view field) {
  odd_births_.Add({{"field", std::string(field)}}).Increment();
}

void Metrics::Refused(std::string_view reason) {
  refused_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::Quarantined(std::string_view reason) {
  quarantined_.Add({{"reason", std::string(reason)}}).Increment();
}

remote::RemoteCounters Metrics::Remote(const std::string& url) {
  const auto dropped = [&](const char* reason) -> prometheus::Counter& {
    return remote_dropped_.Add({{"url", url}, {"reason", reason}});
  };
  return {remote_sent_.Add({{"url", url}}),
          dropped("refused"),
          dropped("late"),
          dropped("expired"),
          remote_retried_.Add({{"url", url}}),
          remote_pending_.Add({{"url", url}}),
          remote_lag_.Add({{"url", url}}),
          remote_lag_rows_.Add({{"url", url}})};
}

void Metrics::Machines(std::string_view state, double count) {
  machines_.Add({{"state", std::string(state)}}).Set(count);
}

void Metrics::OpenFindings(std::string_view kind, double count) {
  open_findings_.Add({{"kind", std::string(kind)}}).Set(count);
}

Metrics::JourneyGauges Metrics::Journey(const std::string& journey) {
  const prometheus::Labels labels{{"journey", journey}};
  return {&journey_requests_.Add(labels), &journey_allowed_.Add(labels),
          &journey_sites_.Add(labels), &journey_without_.Add(labels)};
}

void Metrics::Forget(const JourneyGauges& gauges) {
  journey_requests_.Remove(gauges.requests);
  journey_allowed_.Remove(gauges.allowed);
  journey_sites_.Remove(gauges.sites);
  journey_without_.Remove(gauges.without);
}

Metrics::ObjectiveGauges Metrics::Objective(const std::string& journey, const std::string& step,
                                            std::string_view kind) {
  const prometheus::Labels labels{
      {"journey", journey}, {"step", step}, {"objective", std::string(kind)}};
  const auto with = [&](const char* name, std::string_view value) {
    prometheus::Labels more = labels;
    more.emplace(name, value);
    return more;
  };
  ObjectiveGauges gauges{&objective_target_.Add(labels), &objective_good_.Add(labels),
                         &objective_budget_left_.Add(labels)};
  for (size_t i = 0; i < gauges.burn.size(); ++i) {
    gauges.burn[i] = &objective_burn_.Add(with("window", slo::kWindows[i]));
  }
  gauges.ticket = &objective_alarm_.Add(with("alarm", ToString(slo::Alarm::kTicket)));
  gauges.page = &objective_alarm_.Add(with("alarm", ToString(slo::Alarm::kPage)));
  return gauges;
}

void Metrics::Forget(const ObjectiveGauges& gauges) {
  objective_target_.Remove(gauges.target);
  objective_good_.Remove(gauges.good);
  objective_budget_left_.Remove(gauges.budget_left);
  for (prometheus::Gauge* gauge : gauges.burn) objective_burn_.Remove(gauge);
  objective_alarm_.Remove(gauges.ticket);
  objective_alarm_.Remove(gauges.page);
}

void Metrics::Answered(std::string_view kind, double seconds) {
  query_seconds_.Add({{"kind", std::string(kind)}}, kSeconds).Observe(seconds);
}

}  // namespace haidang::collector
