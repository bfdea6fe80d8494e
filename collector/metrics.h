#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "collector/remote/counters.h"
#include "collector/slo/burn.h"

namespace haidang::collector {

// The collector's own metrics, as /metrics tells them. Names and help texts are the catalogue's.
// Counting is thread-safe.
class Metrics {
 public:
  Metrics();

  prometheus::Registry& registry() { return *registry_; }
  std::shared_ptr<prometheus::Registry> shared() { return registry_; }

  // A message was not taken: "malformed", "oversized", "topic", "foreign"…
  void Refused(std::string_view reason);
  // A batch could not be stored: "crc", "other_crc", "alias_redefined".
  void Quarantined(std::string_view reason);
  // A part of a birth could not be used: "class", "site".
  void OddBirth(std::string_view field);
  void Machines(std::string_view state, double count);
  void OpenFindings(std::string_view kind, double count);
  // Of one receiver of remote write; `url` as RemoteUrl shows it.
  remote::RemoteCounters Remote(const std::string& url);
  // Of one journey; Forget takes them away.
  struct JourneyGauges {
    prometheus::Gauge* requests = nullptr;  // a second
    prometheus::Gauge* allowed = nullptr;
    prometheus::Gauge* sites = nullptr;
    prometheus::Gauge* without = nullptr;
  };
  JourneyGauges Journey(const std::string& journey);
  void Forget(const JourneyGauges& gauges);
  // Of one objective; Forget takes them away.
  struct ObjectiveGauges {
    prometheus::Gauge* target = nullptr;
    prometheus::Gauge* good = nullptr;
    prometheus::Gauge* budget_left = nullptr;
    std::array<prometheus::Gauge*, slo::kWindows.size()> burn{};
    prometheus::Gauge* ticket = nullptr;
    prometheus::Gauge* page = nullptr;
  };
  ObjectiveGauges Objective(const std::string& journey, const std::string& step,
                            std::string_view kind);
  void Forget(const ObjectiveGauges& gauges);
  // A question of this kind took so long.
  void Answered(std::string_view kind, double seconds);

 private:
  std::shared_ptr<prometheus::Registry> registry_;  // before all that lives in it
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& quarantined_;
  prometheus::Family<prometheus::Counter>& odd_births_;
  prometheus::Family<prometheus::Gauge>& machines_;
  prometheus::Family<prometheus::Gauge>& open_findings_;
  prometheus::Family<prometheus::Counter>& remote_sent_;
  prometheus::Family<prometheus::Counter>& remote_dropped_;
  prometheus::Family<prometheus::Counter>& remote_retried_;
  prometheus::Family<prometheus::Gauge>& remote_pending_;
  prometheus::Family<prometheus::Gauge>& remote_lag_;
  prometheus::Family<prometheus::Histogram>& query_seconds_;
  prometheus::Family<prometheus::Gauge>& remote_lag_rows_;
  prometheus::Family<prometheus::Gauge>& journey_requests_;
  prometheus::Family<prometheus::Gauge>& journey_allowed_;
  prometheus::Family<prometheus::Gauge>& journey_sites_;
  prometheus::Family<prometheus::Gauge>& journey_without_;
  prometheus::Family<prometheus::Gauge>& objective_target_;
  prometheus::Family<prometheus::Gauge>& objective_good_;
  prometheus::Family<prometheus::Gauge>& objective_budget_left_;
  prometheus::Family<prometheus::Gauge>& objective_burn_;
  prometheus::Family<prometheus::Gauge>& objective_alarm_;

 public:
  prometheus::Counter& received_bytes;
  prometheus::Counter& births;
  prometheus::Counter& deaths;
  prometheus::Counter& batches;  // committed
  prometheus::Counter& values;   // in them
  prometheus::Counter& duplicates;
  prometheus::Counter& seq_gaps;
  prometheus::Counter& rebirths_asked;
  prometheus::Counter& acknowledgements;
  prometheus::Counter& gap_batches;
  prometheus::Counter& capped_series;
  prometheus::Counter& held_dropped;
  prometheus::Counter& blocks;
  prometheus::Counter& block_batches;
  prometheus::Counter& block_bytes;
  prometheus::Counter& rollup_pieces;
  prometheus::Counter& rollup_bytes;
  prometheus::Counter& commits;
  prometheus::Counter& commit_failures;
  prometheus::Histogram& commit_seconds;
  prometheus::Gauge& journal_lag;  // seconds
  prometheus::Gauge& journal_rows;
  prometheus::Gauge& open_windows;
  prometheus::Gauge& rollup_windows_due;
  prometheus::Gauge& series;
  prometheus::Gauge& held_messages;
  prometheus::Gauge& held_bytes;
  prometheus::Gauge& catching_up;
  prometheus::Gauge& broker_connected;
};

}  // namespace haidang::collector
