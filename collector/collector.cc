#include "collector/collector.h"

#include <spdlog/fmt/chrono.h>

#include <algorithm>
#include <map>
#include <utility>

#include "collector/head_rebuild.h"
#include "collector/overview.h"
#include "core/log.h"
#include "core/sparkplug/birth.h"

namespace haidang::collector {
namespace {

using namespace std::chrono_literals;
using sparkplug::MessageType;

constexpr int64_t kExpireStep = 5000;             // rows of the journal deleted at once at most
constexpr int64_t kExpirePause = 60;              // seconds between looks where nothing is old
constexpr std::string_view kUnknown = "unknown";  // state of machines while there is no broker
constexpr int64_t kRestoreMs = 600'000;  // heads of machines heard since then are brought back

// "2026-01-05T00:30:00Z"
std::string ToIso(int64_t wall_ms) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(static_cast<std::time_t>(wall_ms / 1000)));
}

std::string MakeStoreId(uint64_t id) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kHex[(id >> shift) & 15]);
  return text;
}

}  // namespace

Result<std::unique_ptr<Collector>> Collector::Open(const Options& options, Loop& loop,
                                                   const Clock& clock,
                                                   const std::function<uint64_t()>& random64,
                                                   const MakeSession& make_session) {
  const store::StoreOptions store_options{.path = options.directory + "/telemetry.db"};
  auto store = store::Store::Open(store_options, random64);
  if (!store) return store.error();
  auto contents = (*store)->Load();
  if (!contents) return contents.error();
  store::Contents rest;
  rest.snapshot = std::move(contents->snapshot);
  rest.open_findings = std::move(contents->open_findings);
  rest.last_finding_id = contents->last_finding_id;
  rest.journal_rows = contents->journal_rows;
  Limits limits = options.limits;
  limits.forget_spools_after_ms = (options.retention.raw + std::chrono::hours(24)).count();
  auto fleet = Fleet::Load(**store, std::move(*contents), limits);
  if (!fleet) return fleet.error();
  std::unique_ptr<Collector> collector(
      new Collector(options, loop, clock, std::move(*store), std::move(*fleet), std::move(rest)));
  if (auto done = collector->RestoreHeads(); !done) return done.error();
  if (auto done = collector->compaction_.Begin(*collector->store_); !done) return done.error();
  auto begun = collector->remotes_.Begin(*collector->store_, options.remotes, options.retention.raw,
                                         random64);
  if (!begun) return begun.error();
  const std::string group = "spBv1.0/" + options.group + "/";
  auto session = make_session({{group + "NBIRTH/+", 0},
                               {group + "NDATA/+", 0},
                               {group + "NDEATH/+", 1},
                               {collector->StateTopic(), 1}},
                              collector->MakeHandlers());
  if (!session) return session.error();
  collector->session_ = std::move(*session);
  return collector;
}

Collector::Collector(const Options& options, Loop& loop, const Clock& clock,
                     std::unique_ptr<store::Store> store, std::unique_ptr<Fleet> fleet,
                     store::Contents rest)
    : options_(options),
      loop_(loop),
      clock_(clock),
      store_(std::move(store)),
      fleet_(std::move(fleet)),
      places_(std::move(rest.snapshot)),
      book_(std::move(rest.open_findings), rest.last_finding_id),
      detector_(options.detect, book_,
                [this](std::string_view name, int64_t now_ms) {
                  const Machine* machine = fleet_->Find(name);
                  Place place = machine == nullptr ? places_.Of(name, "", "", now_ms)
                                                   : places_.Of(name, machine->site,
                                                                machine->machine_class, now_ms);
                  return detect::Whereabouts{std::move(place.site), std::move(place.site_name),
                                             std::move(place.machine_class)};
                }),
      journeys_(
          *fleet_, [this]() -> const Places& { return places_; },
          [this](std::string_view journey, std::string_view step) {
            return ObjectiveOf(places_, options_.objectives, journey, step);
          }),
      lease_desk_(
          options.group, options.journey_requests_per_second, *fleet_,
          [this]() -> const Places& { return places_; },
          [this](MqttMessage message) { return Publish(std::move(message)); }, metrics_, clock),
      objectives_(
          loop, clock, metrics_,
          [path = store_->path()] {
            return store::OpenReader(path, {.rollups = store::ReadRollups});
          },
          [this]() -> const Places& { return places_; }, options.objectives),
      compaction_(loop, clock, metrics_, store_->path()),
      rollups_(loop, clock, metrics_, store_->path(), options.retention.raw),
      remotes_(loop, clock, metrics_),
      no_broker_(clock),
      storing_(clock),
      ingest_(
          MakeIngestOptions(), clock, *store_, *fleet_, metrics_,
          [this](MqttMessage message) { return Publish(std::move(message)); }, MakeObserver()) {
  metrics_.journal_rows.Set(static_cast<double>(rest.journal_rows));
  metrics_.series.Set(static_cast<double>(fleet_->series_count()));
}

IngestOptions Collector::MakeIngestOptions() const {
  IngestOptions ingest;
  ingest.group = options_.group;
  ingest.commit_bytes = static_cast<size_t>(options_.commit_bytes);
  ingest.retention = options_.retention;
  ingest.grants = options_.backfill;
  return ingest;
}

IngestObserver Collector::MakeObserver() {
  IngestObserver observer;
  observer.tick = [this](Machine& machine, Moment now) { SeeTick(machine, now); };
  observer.born = [this](Machine& machine, Moment now) { lease_desk_.Born(machine, now); };
  observer.presence = [this](Machine& machine, Moment now) {
    SeeMachine(machine, now);
    lease_desk_.SeePresence(machine);
  };
  observer.flush = [this](store::Store& store) {
    if (snapshot_unsaved_) {
      const Places& places = coming_places_ ? *coming_places_ : places_;
      if (auto done = store.Put(places.snapshot()); !done) return done;
    }
    if (auto done = compaction_.Flush(store); !done) return done;
    if (auto done = rollups_.Flush(store); !done) return done;
    if (auto done = book_.Flush(store); !done) return done;
    return remotes_.Flush(store, stopping_);
  };
  observer.journaled = [this](const store::JournalRow& row, int64_t id) {
    compaction_.Came(row.machine, row.time_ms, id);
    remotes_.Came(id, row);
  };
  observer.saved = [this] {
    // Only what was surely written shows that the disk takes something: a transaction may be empty.
    if (std::exchange(snapshot_unsaved_, false)) Stored();
    compaction_.Saved();
    rollups_.Saved(!compaction_.working());
    remotes_.Saved();
    book_.Saved();
  };
  observer.failed = [this](const Error& why) {
    compaction_.Lost();
    rollups_.Lost();
    remotes_.Lost();
    NotStored(why);
  };
  observer.await = [this](const std::function<void()>& work) { loop_.Await(work); };
  return observer;
}

Status Collector::RestoreHeads() {
  const Moment now = ingest_.Now();
  sparkplug::BatchDecoder decoder;
  for (const auto& machine : fleet_->machines()) {
    auto rebuilt = RebuildHead(*store_, *fleet_, *machine, decoder, now.wall_ms - kRestoreMs);
    if (!rebuilt) return rebuilt.error();
    machine->received_ms = rebuilt->received_ms;
    const Presence& presence = machine->presence;
    machine->presence = Presence(presence.state(), presence.since_ms(), rebuilt->received_ms);
    if (rebuilt->received_ms > 0 && rebuilt->received_ms <= now.wall_ms) {
      machine->received_mono_ms = now.mono_ms - (now.wall_ms - rebuilt->received_ms);
    }
    ingest_.set_last_data_ms(std::max(ingest_.last_data_ms(), rebuilt->received_ms));
  }
  return {};
}

void Collector::Start() {
  commit_timer_ = loop_.Every(options_.commit_every, [this] {
    (void)ingest_.Commit();  // said and counted there; what failed is offered again
  });
  second_timer_ = loop_.Every(1s, [this] { EverySecond(); });
  broker_.Begin(ingest_.Now());
  RememberJourneys();
  EverySecond();
  session_->Start();
}

void Collector::Stop(std::chrono::milliseconds patience, std::function<void()> done) {
  if (std::exchange(stopping_, true)) return;
  commit_timer_.reset();
  second_timer_.reset();
  remotes_.Stop();
  (void)ingest_.Finish();
  session_->Stop({{StateTopic(), sparkplug::EncodeState(false, clock_.WallMs()), 1, true}},
                 patience, std::move(done));
}

MqttHandlers Collector::MakeHandlers() {
  MqttHandlers handlers;
  handlers.will = [this] {
    state_ms_ = clock_.WallMs();
    return MqttMessage{StateTopic(), sparkplug::EncodeState(false, state_ms_), 1, true};
  };
  handlers.connected = [this] { Connected(); };
  handlers.disconnected = [this](const Error& why) { Disconnected(why); };
  handlers.received = [this](std::vector<MqttMessage>&& messages) {
    Received(std::move(messages));
  };
  return handlers;
}

std::string Collector::StateTopic() const {
  return sparkplug::ToString({MessageType::kState, "", options_.id});
}

bool Collector::Publish(MqttMessage message) {
  return session_ != nullptr && session_->Publish(std::move(message));
}

void Collector::PublishState() {
  Publish({StateTopic(), sparkplug::EncodeState(true, state_ms_), 1, true});
}

void Collector::NotStored(const Error& why) {
  if (!not_stored_since_ms_) not_stored_since_ms_ = clock_.WallMs();
  not_stored_why_ = why.message;
  if (!storing_.Met()) return;
  spdlog::error(
      "nothing can be stored since now: {}; nothing is acknowledged, and agents keep what they "
      "have read; make room or mend the disk",
      why.message);
}

void Collector::Stored() {
  const auto since_ms = std::exchange(not_stored_since_ms_, std::nullopt);
  if (!storing_.Over() || !since_ms) return;
  spdlog::info("what arrives is stored again, after {} s", (clock_.WallMs() - *since_ms) / 1000);
}

void Collector::Connected() {
  const bool back = no_broker_.Over().has_value();
  if (back || !std::exchange(was_connected_, true)) {
    spdlog::info("connected to the broker {}{}", options_.broker.uri, back ? " again" : "");
  }
  metrics_.broker_connected.Set(1);
  const Moment now = ingest_.Now();
  broker_.Connected(now);
  for (const auto& machine : fleet_->machines()) machine->presence.Listen(now);
  PublishState();
}

void Collector::Disconnected(const Error& why) {
  if (no_broker_.Met()) spdlog::warn("no broker: {}; trying again until it is there", why.message);
  broker_.Failed(ingest_.Now(), why.message);
  metrics_.broker_connected.Set(0);
}

void Collector::Received(std::vector<MqttMessage>&& messages) {
  if (stopping_) return;
  broker_.Heard(ingest_.Now());
  const std::string state = StateTopic();
  std::erase_if(messages, [&](const MqttMessage& message) {
    if (message.topic != state) return false;
    HearOwnState(message);
    return true;
  });
  ingest_.Receive(std::move(messages));
}

// A Will of an earlier connection may come late and say that we are gone.
void Collector::HearOwnState(const MqttMessage& message) {
  if (message.retained || message.payload == sparkplug::EncodeState(true, state_ms_)) return;
  state_denied_ = true;  // answered once a second at most
}

void Collector::EverySecond() {
  if (not_stored_since_ms_) snapshot_unsaved_ = true;  // tries the disk; Stored() hears of it
  if (broker_.connected()) {
    SeeMachines(ingest_.Now());
    journeys_.EverySecond(ingest_.Now(), book_);
    lease_desk_.EverySecond(ingest_.Now(), broker_.Settled(ingest_.Now()));
  }
  objectives_.EverySecond(ingest_.Now(), book_);
  book_.Tick(clock_.WallMs());
  ingest_.TellHeldBack();
  CountMachines();
  std::map<std::string, double> findings{{"machine_vanished", 0},
                                         {"probe_failed", 0},
                                         {"response_slow", 0},
                                         {"check_failed", 0},
                                         {"objective_burning", 0}};
  for (const auto& [key, finding] : book_.open()) ++findings[key.kind];
  for (const auto& [kind, count] : findings) metrics_.OpenFindings(kind, count);
  compaction_.Go();
  rollups_.Go(!compaction_.working());
  remotes_.EverySecond();
  ExpireSome();
}

void Collector::SeeMachines(Moment now) {
  const Moment until = broker_.KnownUntil(now);
  // Our own STATE comes back from a broker that lives, also where no machine has a word to say.
  bool ask_broker = std::exchange(state_denied_, false);
  for (const auto& machine : fleet_->machines()) {
    if (!machine->registered) continue;
    const int64_t interval_ms = machine->row.interval_ms;
    if (machine->presence.Tick(until, interval_ms)) {
      fleet_->PresenceChanged(*machine);
      lease_desk_.SeePresence(*machine);
    }
    ask_broker = ask_broker || machine->presence.Overdue(now, interval_ms);
    SeeMachine(*machine, now);
  }
  if (ask_broker) PublishState();
}

void Collector::CountMachines() {
  std::map<std::string_view, double> counts{{kUnknown, 0}};
  for (const query::State state :
       {query::State::kOnline, query::State::kStopped, query::State::kSuspended,
        query::State::kVanished, query::State::kSilent}) {
    counts[query::ToString(state)] = 0;
  }
  for (const auto& machine : fleet_->machines()) {
    if (!machine->registered) continue;
    ++counts[broker_.connected() ? query::ToString(machine->presence.state()) : kUnknown];
  }
  for (const auto& [state, count] : counts) metrics_.Machines(state, count);
}

void Collector::ExpireSome() {
  ingest_.Shrink();
  if (expired_rows_ < kExpireStep && ++seconds_ % kExpirePause != 0) return;
  const int64_t needed = std::min(compaction_.FirstNeeded(), remotes_.FirstNeeded());
  expired_rows_ = ingest_.Expire(needed, kExpireStep);
}

void Collector::SeeTick(Machine& machine, Moment now) {
  lease_desk_.SeeTick(machine, now);
  const detect::Subject subject{machine.row.id, machine.row.name, machine.row.interval_ms};
  for (const ProbeSlots& slots : machine.roles.probes) {
    detect::ProbeReading reading;
    reading.journey = slots.journey();
    reading.step = slots.step();
    if (const auto success = machine.head.Number(slots.success)) reading.success = *success != 0;
    reading.seconds = machine.head.Number(slots.duration);
    reading.reason = machine.head.Text(slots.reason).value_or("");
    reading.runs = machine.head.Number(slots.runs);
    reading.objective = ObjectiveOf(places_, options_.objectives, reading.journey, reading.step);
    detector_.SeeProbe(subject, reading, now.wall_ms);
  }
  for (const CheckSlots& slots : machine.roles.checks) {
    const detect::CheckReading reading{.name = slots.name(),
                                       .state = machine.head.Number(slots.state),
                                       .output = machine.head.Text(slots.output).value_or(""),
                                       .runs = machine.head.Number(slots.runs)};
    detector_.SeeCheck(subject, reading, now.wall_ms);
  }
  journeys_.SeeTick(machine, now);
}

void Collector::SeeMachine(Machine& machine, Moment now) {
  const query::State state = machine.presence.state();
  const bool gone = state == query::State::kVanished || state == query::State::kSilent;
  if (gone && !broker_.Settled(now)) return;
  const detect::Subject subject{machine.row.id, machine.row.name, machine.row.interval_ms};
  detector_.SeeMachine(subject, state, machine.presence.since_ms(), now.wall_ms);
}

query::Overview Collector::DescribeNow() const {
  const Moment now = ingest_.Now();
  query::Overview overview;
  overview.collector_id = options_.id;
  overview.store_id = MakeStoreId(store_->id());
  overview.now_ms = now.wall_ms;
  overview.last_data_ms = ingest_.last_data_ms();
  overview.broker_connected = broker_.connected();
  overview.broker_down_since_ms = broker_.down_since_ms();
  overview.not_stored_since_ms = not_stored_since_ms_;
  overview.machines = DescribeMachines(*fleet_, places_, options_.objectives, now,
                                       broker_.connected() && !not_stored_since_ms_);
  for (const auto& [key, finding] : book_.open()) overview.open_findings.push_back(finding);
  return overview;
}

std::string Collector::WhyNotReady() const {
  if (not_stored_since_ms_) {
    return "nothing can be stored since " + ToIso(*not_stored_since_ms_) + ": " + not_stored_why_;
  }
  if (const auto since_ms = broker_.down_since_ms()) {
    return "no broker since " + ToIso(*since_ms) + (broker_.why().empty() ? "" : ": ") +
           broker_.why();
  }
  return "";
}

}  // namespace haidang::collector
