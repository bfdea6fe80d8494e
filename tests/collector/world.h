#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/ingest.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace haidang::collector::testing {

inline constexpr const char* kGroup = "quang-ninh";

// Speaks as an agent does: births, batches, deaths of one machine.
class TestAgent {
 public:
  explicit TestAgent(std::string machine, uint64_t spool_id = 0xA1)
      : machine_(std::move(machine)), spool_id_(spool_id) {}

  // Declares a series under the next alias, from 32 on; returns the alias.
  uint64_t Declare(SeriesId series, DataType datatype = DataType::kDouble, uint32_t group = 0,
                   MetricType type = MetricType::kGauge);

  sparkplug::Birth birth() const;
  MqttMessage Birth(uint64_t next = 1, uint64_t first = 1) const;
  MqttMessage Birth(const sparkplug::Birth& birth) const;
  MqttMessage Death() const;

  struct Tick {
    uint64_t number = 1;
    std::map<uint64_t, Value> values;
    bool full = false;
    uint64_t groups = ~uint64_t{0};
    sparkplug::AgentState state = sparkplug::AgentState::kRunning;
    std::vector<Event> events{};
  };
  // The stored bytes of a batch; its time is `epoch_ms` + `tick_ms` for each number.
  std::string Encode(const Tick& tick) const;
  MqttMessage Live(const Tick& tick, uint8_t seq = 0) const;
  MqttMessage Historical(const Tick& tick, uint8_t seq = 0) const;
  MqttMessage Envelope(const std::vector<Tick>& ticks, uint8_t seq = 0) const;
  MqttMessage Data(std::string payload) const;

  const std::string& machine() const { return machine_; }
  void Rename(uint64_t spool_id) { spool_id_ = spool_id; }
  int64_t TimeOf(uint64_t number) const {
    return epoch_ms + static_cast<int64_t>(number) * tick_ms;
  }

  int64_t epoch_ms = 1767573000000;
  int64_t tick_ms = 15000;
  uint64_t boot_id = 1;
  int64_t boot_ms = epoch_ms - 3600 * 1000;  // when that was
  int64_t clock_ahead_ms = 0;                // of the machine's wall clock
  uint8_t bd_seq = 7;
  std::string site = "06652";
  std::string machine_class = "server";

 private:
  MqttMessage Make(sparkplug::MessageType type, std::string payload) const;

  std::string machine_;
  uint64_t spool_id_;  // under which it records
  std::vector<sparkplug::BirthSeries> series_;
};

// An Ingest over a real store in a directory of its own, in simulated time.
class World {
 public:
  World();

  // Ends and opens the file again. What was staged and not committed is gone.
  void Reopen();
  // The machine dies: goes on with a copy of the files as they stand now, transaction under way and
  // WAL included.
  void Crash();
  // A live batch comes when its machine's clock says that it was read, or later.
  void Receive(const MqttMessage& message);

  Machine& machine(const std::string& name) { return *fleet->Find(name); }
  double Value(const std::string& name, uint64_t alias);  // NaN where unknown

  // Everything that was published to a machine, decoded; and forgotten.
  std::vector<sparkplug::Command> TakeCommands(const std::string& machine);
  // (spool id, number) → how many journal rows.
  std::map<std::pair<uint64_t, uint64_t>, int> Journal();
  int64_t Count(const std::string& table);

  haidang::testing::TempDir root;
  std::string dir = root / "0";  // of telemetry.db
  haidang::testing::FakeClock clock;
  IngestOptions options;
  Limits limits;
  bool publishing = true;
  bool machine_clocks_are_right = true;
  Status flush_status;                                   // what the observer's flush answers
  std::function<void(IngestObserver&)> adjust_observer;  // at the next Reopen
  std::vector<MqttMessage> published;
  std::vector<std::string> ticks;      // machines whose head moved on
  std::vector<std::string> presences;  // machines whose state changed

  std::unique_ptr<store::Store> store;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<Ingest> ingest;

 private:
  void Open();
  int crashes_ = 0;
};

}  // namespace haidang::collector::testing
