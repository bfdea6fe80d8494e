#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/broker_watch.h"
#include "collector/compaction.h"
#include "collector/detect/detector.h"
#include "collector/exposition.h"
#include "collector/fleet.h"
#include "collector/ingest.h"
#include "collector/journey_watch.h"
#include "collector/lease_desk.h"
#include "collector/metrics.h"
#include "collector/objective_desk.h"
#include "collector/options.h"
#include "collector/places.h"
#include "collector/query_port.h"
#include "collector/remotes.h"
#include "collector/rollups.h"
#include "collector/store/store.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/io/mqtt_session.h"
#include "core/trouble.h"

namespace haidang::collector {

// Makes the session with the broker; a test hands in its own.
using MakeSession = std::function<Result<std::unique_ptr<MqttSession>>(
    std::vector<MqttSubscription> subscriptions, MqttHandlers handlers)>;

// Everything that lives on the loop thread: the store, the machines, presence and findings, the
// session with the broker. Loop thread only, but for Backend(), AskFleet(), AskSeries() and
// AskReady(), whose functions are called on other threads and ask the loop, which answers while a
// commit waits for the disk, too.
class Collector {
 public:
  // Opens the store in options.directory and brings the machines' heads back from it.
  static Result<std::unique_ptr<Collector>> Open(const Options& options, Loop& loop,
                                                 const Clock& clock,
                                                 const std::function<uint64_t()>& random64,
                                                 const MakeSession& make_session);

  // Connects to the broker and begins to work.
  void Start();

  // Commits what is staged, acknowledges it, says goodbye to the broker, then calls `done`; within
  // `patience` whatever the network does. Further calls do nothing.
  void Stop(std::chrono::milliseconds patience, std::function<void()> done);

  QueryBackend Backend();
  std::function<std::optional<FleetNow>()> AskFleet();
  std::function<std::optional<FleetNow>(WantSeries)> AskSeries();
  std::function<std::optional<std::string>()> AskReady();

  Metrics& metrics() { return metrics_; }
  query::Overview DescribeNow() const;
  query::JourneysNow DescribeJourneys() const;
  // Why nothing arrives, or nothing of it can be stored; "" where all is well.
  std::string WhyNotReady() const;
  QueryBackend::Put PutSnapshot(query::Snapshot snapshot);

 private:
  Collector(const Options& options, Loop& loop, const Clock& clock,
            std::unique_ptr<store::Store> store, std::unique_ptr<Fleet> fleet,
            store::Contents rest);
  IngestOptions MakeIngestOptions() const;
  IngestObserver MakeObserver();
  Status RestoreHeads();
  MqttHandlers MakeHandlers();

  void NotStored(const Error& why);
  void Stored();
  void Connected();
  void Disconnected(const Error& why);
  void Received(std::vector<MqttMessage>&& messages);
  void HearOwnState(const MqttMessage& message);
  void PublishState();
  std::string StateTopic() const;

  void EverySecond();
  void RememberJourneys();
  void SeeMachines(Moment now);
  void CountMachines();
  void ExpireSome();
  void SeeTick(Machine& machine, Moment now);
  void SeeMachine(Machine& machine, Moment now);
  bool Publish(MqttMessage message);

  Options options_;
  Loop& loop_;
  const Clock& clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Fleet> fleet_;
  Metrics metrics_;
  Places places_;
  std::optional<Places> coming_places_;  // while they are being stored
  bool snapshot_unsaved_ = false;
  detect::FindingBook book_;
  detect::Detector detector_;
  JourneyWatch journeys_;
  LeaseDesk lease_desk_;
  ObjectiveDesk objectives_;
  Compaction compaction_;
  Rollups rollups_;
  Remotes remotes_;
  BrokerWatch broker_;
  Trouble no_broker_;
  Trouble storing_;  // nothing can be stored
  bool was_connected_ = false;
  std::optional<int64_t> not_stored_since_ms_;
  std::string not_stored_why_;
  Ingest ingest_;
  std::unique_ptr<MqttSession> session_;
  int64_t state_ms_ = 0;       // timestamp of the present connection's STATE
  bool state_denied_ = false;  // somebody said that we are gone
  int64_t seconds_ = 0;
  int64_t expired_rows_ = 0;
  bool stopping_ = false;
  std::unique_ptr<Timer> commit_timer_;
  std::unique_ptr<Timer> second_timer_;
};

}  // namespace haidang::collector
