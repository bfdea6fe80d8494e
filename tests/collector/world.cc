#include "tests/collector/world.h"

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "collector/head_rebuild.h"
#include "core/log.h"

namespace haidang::collector::testing {

namespace {

template <typename T>
T Must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

uint64_t TestAgent::Declare(SeriesId series, DataType datatype, uint32_t group, MetricType type) {
  sparkplug::BirthSeries declared;
  declared.series = std::move(series);
  declared.alias = sparkplug::kFirstSeriesAlias + series_.size();
  declared.datatype = datatype;
  declared.group = group;
  declared.type = type;
  series_.push_back(std::move(declared));
  return series_.back().alias;
}

sparkplug::Birth TestAgent::birth() const {
  sparkplug::Birth birth;
  birth.timestamp_ms = epoch_ms;
  birth.bd_seq = bd_seq;
  birth.spool_id = spool_id_;
  birth.held = {{spool_id_, 1, 1, ""}};
  birth.groups = {"cpu", "memory", "probe"};
  birth.agent_version = "0.1.0";
  birth.os = "linux";
  birth.interval_ms = tick_ms;
  birth.machine_class = machine_class;
  birth.site = site;
  birth.series = series_;
  return birth;
}

MqttMessage TestAgent::Birth(uint64_t next, uint64_t first) const {
  sparkplug::Birth told = birth();
  told.held = {{spool_id_, first, next, first > 1 ? "full" : ""}};
  return Birth(told);
}

MqttMessage TestAgent::Birth(const sparkplug::Birth& told) const {
  return Make(sparkplug::MessageType::kNBirth, sparkplug::EncodeBirth(told));
}

MqttMessage TestAgent::Death() const {
  return Make(sparkplug::MessageType::kNDeath, sparkplug::EncodeDeath(bd_seq, epoch_ms));
}

std::string TestAgent::Encode(const Tick& tick) const {
  sparkplug::Batch batch;
  batch.header.spool_id = spool_id_;
  batch.header.number = tick.number;
  batch.header.boot_id = boot_id;
  batch.header.wall_ms = TimeOf(tick.number) + clock_ahead_ms;
  batch.header.since_boot_ms = TimeOf(tick.number) - boot_ms;
  batch.header.groups = tick.groups;
  batch.header.full = tick.full;
  batch.header.state = tick.state;
  for (const auto& [alias, value] : tick.values) batch.samples.emplace_back(alias, value);
  batch.events = tick.events;
  return sparkplug::EncodeBatch(batch);
}

MqttMessage TestAgent::Live(const Tick& tick, uint8_t seq) const {
  return Data(sparkplug::SealBatch(Encode(tick), seq, false));
}

MqttMessage TestAgent::Historical(const Tick& tick, uint8_t seq) const {
  return Data(sparkplug::SealBatch(Encode(tick), seq, true));
}

MqttMessage TestAgent::Envelope(const std::vector<Tick>& ticks, uint8_t seq) const {
  std::vector<std::string> batches;
  for (const Tick& tick : ticks) batches.push_back(Encode(tick));
  return Data(sparkplug::SealEnvelope(batches, seq, epoch_ms));
}

MqttMessage TestAgent::Data(std::string payload) const {
  return Make(sparkplug::MessageType::kNData, std::move(payload));
}

MqttMessage TestAgent::Make(sparkplug::MessageType type, std::string payload) const {
  return {sparkplug::ToString({type, kGroup, machine_}), std::move(payload), 0, false};
}

void World::Open() {
  store::StoreOptions where;
  where.path = dir + "/telemetry.db";
  store = Must(store::Store::Open(where, [] { return uint64_t{0x5707E}; }));
  fleet = Must(Fleet::Load(*store, Must(store->Load()), limits));
  metrics = std::make_unique<Metrics>();
  options.group = kGroup;
  IngestObserver observer;
  observer.tick = [this](Machine& machine, Moment) { ticks.push_back(machine.row.name); };
  observer.presence = [this](Machine& machine, Moment) { presences.push_back(machine.row.name); };
  observer.flush = [this](store::Store&) { return flush_status; };
  observer.saved = [] {};
  observer.failed = [](const Error&) {};
  if (adjust_observer) adjust_observer(observer);
  const auto publish = [this](MqttMessage message) {
    if (publishing) published.push_back(std::move(message));
    return publishing;
  };
  ingest = std::make_unique<Ingest>(options, clock, *store, *fleet, *metrics, publish,
                                    std::move(observer));
  sparkplug::BatchDecoder decoder;
  for (const auto& machine : fleet->machines()) {
    machine->received_ms = Must(RebuildHead(*store, *fleet, *machine, decoder)).received_ms;
  }
}

World::World() {
  spdlog::set_level(spdlog::level::off);
  std::filesystem::create_directory(dir);
  Open();
}

void World::Crash() {
  const std::string copy = root / std::to_string(++crashes_);
  std::filesystem::create_directory(copy);
  for (const char* file : {"telemetry.db", "telemetry.db-wal"}) {
    const std::string from = dir + "/" + file;
    if (std::filesystem::exists(from)) std::filesystem::copy_file(from, copy + "/" + file);
  }
  std::filesystem::remove_all(dir);
  dir = copy;
  Reopen();
}

void World::Receive(const MqttMessage& message) {
  sparkplug::BatchDecoder decoder;
  if (const auto data = decoder.Decode(message.payload)) {
    for (const sparkplug::BatchView& batch : data->batches) {
      const int64_t ahead_ms = batch.header.wall_ms - clock.WallMs();
      if (!batch.historical && ahead_ms > 0 && machine_clocks_are_right) {
        clock.StepWall(std::chrono::milliseconds(ahead_ms));
      }
    }
  }
  ingest->Receive({message});
}

void World::Reopen() {
  ingest.reset();
  store->Rollback();
  fleet.reset();
  store.reset();
  Open();
}

double World::Value(const std::string& name, uint64_t alias) {
  Machine& known = machine(name);
  const AliasEntry* entry = known.live->layout->aliases.Find(alias);
  return entry == nullptr ? AsNumber(Null{}) : AsNumber(known.head.ValueOf(entry->slot));
}

std::vector<sparkplug::Command> World::TakeCommands(const std::string& name) {
  std::vector<sparkplug::Command> commands;
  const std::string topic = sparkplug::ToString({sparkplug::MessageType::kNCmd, kGroup, name});
  std::erase_if(published, [&](const MqttMessage& message) {
    if (message.topic != topic) return false;
    commands.push_back(Must(sparkplug::DecodeCommand(message.payload)));
    return true;
  });
  return commands;
}

std::map<std::pair<uint64_t, uint64_t>, int> World::Journal() {
  auto db = Must(Database::Open(dir + "/telemetry.db", {.read_only = true}));
  auto rows =
      Must(db.Prepare("SELECT s.spool_id, j.number FROM journal j JOIN spool s ON s.id = j.spool"));
  std::map<std::pair<uint64_t, uint64_t>, int> journal;
  while (Must(rows.Step())) ++journal[{rows.UInt(0), rows.UInt(1)}];
  return journal;
}

int64_t World::Count(const std::string& table) {
  auto db = Must(Database::Open(dir + "/telemetry.db", {.read_only = true}));
  auto rows = Must(db.Prepare("SELECT count(*) FROM " + table));
  Must(rows.Step());
  return rows.Int(0);
}

}  // namespace haidang::collector::testing
