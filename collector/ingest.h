#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/acknowledger.h"
#include "collector/complaints.h"
#include "collector/fleet.h"
#include "collector/grants.h"
#include "collector/held.h"
#include "collector/metrics.h"
#include "collector/rebirths.h"
#include "collector/retention_clock.h"
#include "core/clock.h"
#include "core/io/mqtt_session.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/topic.h"

namespace haidang::collector {

struct IngestOptions {
  std::string group;               // Sparkplug group that is collected
  size_t commit_bytes = 4U << 20;  // staged payload after which Receive commits at once
  int64_t acknowledge_every_ms = 5000;
  store::Retention retention;
  Held::Bounds held;
  Rebirths::Rates rebirths;
  Grants::Rates grants;
};

// What else happens when messages are taken in. All on the loop thread.
struct IngestObserver {
  // A live batch moved the machine's head on.
  std::function<void(Machine&, Moment)> tick;
  // A birth of it was taken. May be empty.
  std::function<void(Machine&, Moment)> born;
  // The machine's state changed.
  std::function<void(Machine&, Moment)> presence;
  // Puts what else is to be durable into the transaction that is about to be committed.
  std::function<Status(store::Store&)> flush;
  // A row was appended to the journal in that transaction, under this id.
  std::function<void(const store::JournalRow& row, int64_t id)> journaled;
  // That transaction was committed.
  std::function<void()> saved;
  // Nothing of what was staged could be stored.
  std::function<void(const Error&)> failed;
  // Runs what waits for the disk (Loop::Await). May be empty.
  std::function<void(const std::function<void()>&)> await;
};

// Takes in what the broker delivers: decodes, drops what is known, stages in the journal, commits,
// acknowledges. Everything that arrives is hostile until shown otherwise, and a machine is believed
// only about itself: it is the last level of the topic, which the broker's ACL holds. Loop thread.
class Ingest {
 public:
  Ingest(IngestOptions options, const Clock& clock, store::Store& store, Fleet& fleet,
         Metrics& metrics, Publish publish, IngestObserver observer);

  void Receive(std::vector<MqttMessage>&& messages);

  // Makes durable what is staged, then acknowledges what is due. An Error: nothing of it is stored,
  // nothing acknowledged, and its agents will send it again.
  Status Commit();
  // The last one before the end: acknowledges everything.
  Status Finish();

  Moment Now() const;
  int64_t last_data_ms() const { return last_data_ms_; }  // receipt of the last committed batch
  void set_last_data_ms(int64_t ms) { last_data_ms_ = ms; }
  // At each second: says what was refused and not said.
  void TellHeldBack();
  // Deletes at most `limit` rows of the journal, as a part of the next commit; how many
  // (Store::Expire).
  int64_t Expire(int64_t needed, int64_t limit);
  // At each second: makes the file smaller where much of it is free, as a part of the next commit,
  // while no machine catches up.
  void Shrink();

 private:
  enum class Outcome { kDone, kNeedsBirth };
  struct Route {
    sparkplug::MessageType type = sparkplug::MessageType::kNData;
    std::string node;
    Machine* machine = nullptr;  // null until something of ours came from it
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // A batch on its way, with all that is known of it.
  struct Arrival {
    Machine& machine;
    Spool* spool;
    const sparkplug::BatchView& batch;
    std::string_view payload;
    bool alone;  // `payload` holds this batch and nothing else
  };

  void Take(const MqttMessage& message);
  Route* FindRoute(const std::string& topic);
  void TakeBirth(Route& route, const std::string& payload);
  // What `birth` says of its place and class, as far as it can be.
  void CheckPlace(const Route& route, sparkplug::Birth& birth);
  void TakeDeath(Route& route, const std::string& payload);
  void TakeData(Route& route, const std::string& payload);
  Outcome TakeMessage(Machine& machine, std::string_view payload, const char* refused_as);
  Outcome TakeBatch(const Arrival& arrival);
  void TakeKnown(const Arrival& arrival);
  bool IsStoredUnderAnotherId(const Arrival& arrival, int64_t time_ms);
  void TakeSameReading(const Arrival& arrival, int64_t time_ms);
  void TakeBroken(const Arrival& arrival);
  bool Resolves(const Arrival& arrival, const AliasTable& aliases) const;
  // Quarantined, settled as lost, and acknowledged: it will never be stored, and must not block.
  void SetAside(const Arrival& arrival, const char* reason);
  void Stage(const Arrival& arrival, const MachineClock::Corrected& time,
             const AliasTable& aliases);
  bool StageEvents(const store::JournalRow& row, std::string_view events);
  std::string Alone(const Arrival& arrival, const AliasTable& aliases) const;
  void Advance(const Arrival& arrival, const AliasTable& aliases);
  void Heard(Machine& machine);
  void FollowSeq(Machine& machine, uint64_t seq);
  void HoldBack(Machine& machine, const std::string& payload);
  void AskRebirth(Machine& machine);
  void TellGrants();
  void FollowClock(Machine& machine, const sparkplug::BatchHeader& header);
  void Quarantine(const Arrival& arrival, const char* reason);
  void Refuse(const char* reason, std::string_view who, std::string_view why);
  void StageFailed(const Error& error);
  void Lost();
  void Mend();
  void MarkStale(Machine& machine);
  Status CommitStaged();
  Status CommitStore();

  IngestOptions options_;
  const Clock& clock_;
  store::Store& store_;
  Fleet& fleet_;
  Metrics& metrics_;
  Publish publish_;
  IngestObserver observer_;
  Acknowledger acknowledger_;
  Held held_;
  Rebirths rebirths_;
  Grants grants_;
  sparkplug::BatchDecoder decoder_;
  sparkplug::BatchDecoder rebuild_decoder_;
  Moment now_;  // of the message being taken

  std::unordered_map<std::string, Route, Hash, std::equal_to<>> routes_;
  // Batches whose CRC did not match, by (spool, number): their bytes' CRC and how often they came.
  struct Broken {
    uint64_t bytes_crc = 0;
    int times = 0;
  };
  std::map<std::pair<int64_t, uint64_t>, Broken> broken_;

  size_t staged_bytes_ = 0;
  uint64_t staged_batches_ = 0;
  uint64_t staged_values_ = 0;
  int64_t last_data_ms_ = 0;
  int64_t staged_data_ms_ = 0;
  int64_t expired_ = 0;  // rows deleted in this transaction
  std::vector<Machine*> stale_;
  Complaints refused_;
  Complaints quarantined_;
  Complaints odd_births_;  // of which something is left out
  RetentionClock retention_clock_;
};

}  // namespace haidang::collector
