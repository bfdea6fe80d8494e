#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/clock_offset.h"
#include "agent/recorder.h"
#include "agent/spool.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/io/mqtt_session.h"
#include "core/log.h"
#include "core/result.h"
#include "core/sparkplug/command.h"
#include "core/sparkplug/topic.h"
#include "core/trouble.h"

namespace haidang::agent {

struct LinkOptions {
  std::string group;          // Sparkplug group id: the province
  std::string machine;        // Sparkplug edge node id: the certificate's common name
  std::string machine_class;  // "server", "workstation"
  std::string site;           // configured site code, may be empty
  std::string os;             // "linux", "windows"
  std::string version;
  std::chrono::milliseconds interval{15000};  // between ticks; told in the birth
  MqttOptions mqtt;                           // an empty client id becomes the machine's

  std::chrono::milliseconds resend_min{
      30000};  // without acknowledgement: sent again, then doubling
  std::chrono::milliseconds resend_max{480000};   // up to this
  std::chrono::milliseconds birth_spacing{2000};  // at least this between two births of a session
  // Batches of backlog that are sent and not yet acknowledged; more where the rate asks for it.
  size_t max_in_flight = 256;
  double backfill_rate = 50;  // batches a second, until the collector grants this session another
  // The collector said which shared journeys this machine walks; on the loop thread. Not called
  // when the session is lost: what was said holds until something else is. May be empty.
  std::function<void(const std::vector<sparkplug::Lease>&)> leased;
};

struct LinkStats {
  bool connected = false;
  size_t waiting_batches = 0;  // stored, not yet acknowledged
  int64_t waiting_bytes = 0;
  uint64_t sent_batches = 0;  // handed to the network, resent ones included
  uint64_t resent_batches = 0;
  uint64_t dropped_batches = 0;  // given up because of the spool's bounds
  uint64_t births = 0;
  uint64_t bad_commands = 0;                   // NCMD that could not be read
  std::optional<ClockOffset::Estimate> clock;  // nothing before the first measurement
};

using SessionFactory = std::function<Result<std::unique_ptr<MqttSession>>(
    Loop&, const Clock&, MqttOptions, std::vector<MqttSubscription>, MqttHandlers)>;

// Brings the spool's batches to the collector: a Sparkplug B edge node with the acknowledgement
// profile (docs/wire-format.md). Live batches go at once; what was not acknowledged goes again,
// newest first and in envelopes where it can, once the collector has answered the birth. While the
// collector says nothing, one batch at a time asks whether it is there. No birth is sent before the
// recorder is ready to declare the machine's series. Loop thread only.
class Link {
 public:
  // Everything passed by reference must outlive the Link. `random` is uniform in [0, 1).
  Link(Loop& loop, const Clock& clock, LinkOptions options, Recorder& recorder, Spool& spool,
       std::function<double()> random, SessionFactory factory = MakeMqttSession);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // An Error where the options cannot work: unreadable certificate, bad URI or id.
  Status Start();

  // A batch that was just recorded. Where it cannot be sent now, it waits in the spool.
  void Submit(const StoredBatch& batch);

  // Sends `last` (a batch that was recorded with AgentState stopping or suspending), then NDEATH,
  // then DISCONNECT with Will; calls `done` after `deadline` at the latest. Submit does nothing any
  // more.
  void Stop(const std::optional<StoredBatch>& last, std::chrono::milliseconds deadline,
            std::function<void()> done);

  LinkStats stats() const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // spool id, first number
  // A message that was sent and is not settled. Those of one spool id do not overlap.
  struct Flight {
    uint64_t last = 0;  // number
    int64_t sent_ns = 0;
    int64_t sent_boot_ms = 0;  // since boot
    int64_t resend_ns = 0;     // unless acknowledged by then
    int attempts = 0;
    bool backlog = false;
  };
  using Flights = std::map<Key, Flight>;

  MqttMessage MakeWill();
  void OnConnected();
  void OnDisconnected(const Error& why);
  bool SayLoss(const Error& why);
  void OnReceived(const std::vector<MqttMessage>& messages);
  void OnCommand(std::string_view payload);
  void OnCommitted(const sparkplug::Committed& committed);
  void OnAnswered();

  // Whether the spool could be read.
  template <typename T>
  bool NoteRead(const Result<T>& result) {
    if (!result) {
      if (unread_.Met())
        spdlog::error("nothing can be sent from the spool: {}", result.error().message);
    } else if (const auto count = unread_.Over()) {
      spdlog::info("the spool can be read again; it could not {} times", *count);
    }
    return result.ok();
  }
  void WantBirth();
  void SendBirth();
  bool SendLive(const StoredBatch& batch);
  bool SendBacklog(const Parcel& parcel, int attempts);
  Flight& TakeOff(uint64_t spool_id, uint64_t first, uint64_t last, int attempts);
  void Land(Flights::iterator flight);
  void LandSettled(const sparkplug::Committed& committed);
  const Flight* NewestOf(const sparkplug::Committed& committed) const;
  bool InFlight(uint64_t spool_id, uint64_t number) const;
  void MeasureClock(const sparkplug::Committed& committed);
  int64_t Patience(int attempts);
  void RestartScan();
  void Work();
  void ResendOverdue();
  void SendWaiting();
  bool MaySendBacklog() const;
  size_t Window() const;
  // What was sent has had no answer of any kind for so long that nobody may be there.
  bool Silent() const;
  void Arm();
  std::string Topic(sparkplug::MessageType type) const;

  Loop& loop_;
  const Clock& clock_;
  LinkOptions options_;
  Recorder& recorder_;
  Spool& spool_;
  std::function<double()> random_;
  SessionFactory factory_;
  std::unique_ptr<MqttSession> session_;

  std::string data_topic_;
  std::string command_topic_;
  uint8_t bd_seq_ = 0;
  uint8_t seq_ = 0;  // of the next message
  bool stopping_ = false;
  bool answered_ = false;         // the collector has answered the last birth
  uint64_t born_generation_ = 0;  // the recorder's generation at the last birth; 0: none holds
  int64_t last_birth_ns_ = 0;
  std::unique_ptr<Timer> birth_timer_;

  Flights in_flight_;
  size_t batches_in_flight_ = 0;
  size_t backlog_in_flight_ = 0;       // batches
  bool scan_done_ = false;             // every waiting batch is in flight
  std::optional<int64_t> scan_below_;  // row; from the newest where absent
  double rate_;                        // backlog, batches a second
  double credit_ = 0;  // batches that may be sent now beside live ones; a pack may overdraw it
  int64_t credit_ns_ = 0;
  std::unique_ptr<Timer> work_timer_;
  int64_t work_ns_ = 0;  // when it fires

  std::optional<int64_t> acknowledged_ns_;
  std::optional<int64_t> unanswered_ns_;  // the first sending since then, in this session
  ClockOffset clock_offset_;
  LinkStats counts_;
  LogLimit command_log_;
  Troubles losses_;        // of the connection
  bool loss_said_ = true;  // the last one; its end is said as well, and so is the first connection
  std::unique_ptr<Timer> unsaid_loss_;
  Trouble unread_;     // the spool, when something was to be sent
  Trouble unsettled_;  // acknowledgements that the spool could not take
};

}  // namespace haidang::agent
