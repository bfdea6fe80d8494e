#include "collector/ingest.h"

#include <chrono>
#include <utility>

#include "collector/head_rebuild.h"
#include "core/log.h"
#include "core/site_code.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"
#include "core/utf8.h"

namespace haidang::collector {
namespace {

using sparkplug::MessageType;

constexpr size_t kMaxData = 1U << 20;   // bytes of an NDATA; agents send far less
constexpr size_t kMaxBirth = 8U << 20;  // bytes of an NBIRTH
constexpr size_t kMaxDeath = 4096;
constexpr uint64_t kBacklog = 8;  // batches; fewer are on their way anyway
// A rebuild reads up to 512 batches: late ones that trickle in wait for each other.
constexpr int64_t kMendEveryMs = 1000;
constexpr std::chrono::milliseconds kShrinkBudget{10};

size_t MaxBytes(MessageType type) {
  if (type == MessageType::kNBirth) return kMaxBirth;
  return type == MessageType::kNData ? kMaxData : kMaxDeath;
}

}  // namespace

Ingest::Ingest(IngestOptions options, const Clock& clock, store::Store& store, Fleet& fleet,
               Metrics& metrics, Publish publish, IngestObserver observer)
    : options_(std::move(options)),
      clock_(clock),
      store_(store),
      fleet_(fleet),
      metrics_(metrics),
      publish_(publish),
      observer_(std::move(observer)),
      acknowledger_(store.id(), options_.group, options_.acknowledge_every_ms, std::move(publish),
                    metrics),
      held_(options_.held),
      rebirths_(options_.rebirths),
      grants_(options_.grants),
      refused_(clock, "messages refused"),
      quarantined_(clock, "batches quarantined"),
      odd_births_(clock, "births taken in part"),
      retention_clock_(clock, store.NewestReceivedMs()) {}

Moment Ingest::Now() const { return {clock_.WallMs(), clock_.MonotonicNs() / 1000000}; }

void Ingest::Receive(std::vector<MqttMessage>&& messages) {
  now_ = Now();
  for (const MqttMessage& message : messages) {
    metrics_.received_bytes.Increment(static_cast<double>(message.payload.size()));
    Take(message);
    if (staged_bytes_ >= options_.commit_bytes) {
      (void)Commit();  // said and counted there
      now_ = Now();
    }
  }
}

void Ingest::Take(const MqttMessage& message) {
  Route* route = FindRoute(message.topic);
  if (route == nullptr) {
    Refuse("topic", message.topic, "is no topic of this group's machines");
    return;
  }
  if (message.payload.size() > MaxBytes(route->type)) {
    Refuse("oversized", route->node,
           "sent " + std::to_string(message.payload.size()) + " bytes in one message");
    return;
  }
  if (route->type == MessageType::kNData) return TakeData(*route, message.payload);
  if (route->type == MessageType::kNBirth) return TakeBirth(*route, message.payload);
  TakeDeath(*route, message.payload);
}

Ingest::Route* Ingest::FindRoute(const std::string& topic) {
  if (const auto it = routes_.find(topic); it != routes_.end()) return &it->second;
  auto parsed = sparkplug::ParseTopic(topic);
  if (!parsed || parsed->group != options_.group) return nullptr;
  if (parsed->type == MessageType::kNCmd || parsed->type == MessageType::kState) return nullptr;
  if (routes_.size() >= 4 * fleet_.limits().machines) routes_.clear();
  Route route{parsed->type, parsed->node, fleet_.Find(parsed->node)};
  return &routes_.emplace(topic, std::move(route)).first->second;
}

void Ingest::TakeBirth(Route& route, const std::string& payload) {
  auto birth = sparkplug::DecodeBirth(payload);
  if (!birth) return Refuse("malformed", route.node, birth.error().message);
  if (birth->spool_id == 0) return Refuse("foreign", "", "");
  Machine* machine = fleet_.FindOrAdd(route.node);
  if (machine == nullptr) return Refuse("machines", route.node, "is one machine too many");
  route.machine = machine;
  metrics_.births.Increment();
  machine->seq = static_cast<uint8_t>(birth->seq);
  CheckPlace(route, *birth);
  Learned learned = fleet_.Learn(store_, *machine, *birth, now_.wall_ms);
  metrics_.gap_batches.Increment(static_cast<double>(learned.gap_batches));
  metrics_.capped_series.Increment(static_cast<double>(learned.capped_series));
  metrics_.series.Set(static_cast<double>(fleet_.series_count()));
  for (Spool* spool : learned.held) acknowledger_.Due(*machine, *spool, true);
  if (!learned.refused.empty()) return Refuse("birth", route.node, learned.refused);
  if (learned.capped_series > 0 && odd_births_.Met("series")) {
    spdlog::warn("{}: {} of its {} series are beyond the limit and are not read; raise [limits]",
                 Printable(route.node), learned.capped_series, birth->series.size());
  }
  rebirths_.Born(machine->row.id);
  if (birth->boot_id != 0 &&
      machine->clock.See(birth->boot_id, birth->since_boot_ms, now_.wall_ms)) {
    fleet_.ClockChanged(*machine, birth->boot_id);
  }
  if (learned.waiting_batches > kBacklog) grants_.Wants(machine->row.id, now_.mono_ms);
  Heard(*machine);
  if (observer_.born) observer_.born(*machine, now_);
  for (const std::string& held : held_.Take(machine->row.id)) {
    if (TakeMessage(*machine, held, "malformed") == Outcome::kNeedsBirth) HoldBack(*machine, held);
  }
  metrics_.held_messages.Set(static_cast<double>(held_.messages()));
  metrics_.held_bytes.Set(static_cast<double>(held_.bytes()));
}

void Ingest::CheckPlace(const Route& route, sparkplug::Birth& birth) {
  std::string& machine_class = birth.machine_class;
  if (!machine_class.empty() && machine_class != "server" && machine_class != "workstation") {
    metrics_.OddBirth("class");
    if (odd_births_.Met("class")) {
      spdlog::warn("{}: its class \"{}\" is left out; allowed: server, workstation",
                   Printable(route.node), Printable(machine_class, 64));
    }
    machine_class.clear();
  }
  if (const Status site = CheckSiteCode(birth.site); !site) {
    metrics_.OddBirth("site");
    if (odd_births_.Met("site")) {
      spdlog::warn("{}: its site \"{}\" is left out: it {}", Printable(route.node),
                   Printable(birth.site, 64), site.error().message);
    }
    birth.site.clear();
  }
}

void Ingest::TakeDeath(Route& route, const std::string& payload) {
  auto bd_seq = sparkplug::DecodeDeath(payload);
  if (!bd_seq) return Refuse("malformed", route.node, bd_seq.error().message);
  Machine* machine = fleet_.Find(route.node);
  if (machine == nullptr || !machine->registered) return Refuse("foreign", "", "");
  if (machine->row.bd_seq != *bd_seq) return Refuse("stale_death", "", "");
  if (!machine->presence.Died(now_)) return;
  metrics_.deaths.Increment();
  fleet_.PresenceChanged(*machine);
  observer_.presence(*machine, now_);
}

void Ingest::TakeData(Route& route, const std::string& payload) {
  if (route.machine == nullptr) route.machine = fleet_.Find(route.node);
  if (route.machine == nullptr) {
    // Only what decodes as ours makes a stranger a machine that is asked for its birth.
    auto message = decoder_.Decode(payload);
    if (!message) return Refuse("malformed", route.node, message.error().message);
    if (message->batches.empty()) return Refuse("foreign", "", "");
    route.machine = fleet_.FindOrAdd(route.node);
    if (route.machine == nullptr) {
      return Refuse("machines", route.node, "is one machine too many");
    }
  }
  Machine& machine = *route.machine;
  if (TakeMessage(machine, payload, "malformed") == Outcome::kDone) return;
  HoldBack(machine, payload);
  AskRebirth(machine);
}

void Ingest::HoldBack(Machine& machine, const std::string& payload) {
  metrics_.held_dropped.Increment(static_cast<double>(held_.Add(machine.row.id, payload)));
  metrics_.held_messages.Set(static_cast<double>(held_.messages()));
  metrics_.held_bytes.Set(static_cast<double>(held_.bytes()));
}

void Ingest::AskRebirth(Machine& machine) {
  if (!rebirths_.Ask(machine.row.id, now_.mono_ms)) return;
  MqttMessage message;
  message.topic = sparkplug::ToString({MessageType::kNCmd, options_.group, machine.row.name});
  message.payload = sparkplug::EncodeRebirth(now_.wall_ms);
  if (publish_(std::move(message))) metrics_.rebirths_asked.Increment();
}

void Ingest::TellGrants() {
  const Moment now = Now();
  for (const Grants::Grant& grant : grants_.Due(now.mono_ms)) {
    const Machine* machine = fleet_.ByRow(grant.machine);
    if (machine == nullptr) continue;
    MqttMessage message;
    message.topic = sparkplug::ToString({MessageType::kNCmd, options_.group, machine->row.name});
    message.payload = sparkplug::EncodeBackfillRate(grant.batches_per_second, now.wall_ms);
    if (!publish_(std::move(message))) grants_.Untold(grant.machine);
  }
  metrics_.catching_up.Set(static_cast<double>(grants_.catching_up()));
}

void Ingest::Heard(Machine& machine) {
  if (!machine.presence.Heard(now_)) return;
  fleet_.PresenceChanged(machine);
  if (machine.registered) observer_.presence(machine, now_);
}

void Ingest::FollowSeq(Machine& machine, uint64_t seq) {
  if (machine.seq && static_cast<uint8_t>(*machine.seq + 1) != seq) metrics_.seq_gaps.Increment();
  machine.seq = static_cast<uint8_t>(seq);
}

void Ingest::Refuse(const char* reason, std::string_view who, std::string_view why) {
  metrics_.Refused(reason);
  if (why.empty() || !refused_.Met(reason)) return;
  spdlog::warn("message refused ({}): {}: {}", reason, Printable(who), Printable(why, 300));
}

void Ingest::TellHeldBack() {
  for (Complaints* complaints : {&refused_, &quarantined_, &odd_births_}) complaints->Tick();
}

Status Ingest::Commit() {
  auto done = CommitStaged();
  if (!done) return done;
  Mend();
  acknowledger_.Send(Now());
  TellGrants();
  return done;
}

Status Ingest::Finish() {
  auto done = CommitStaged();
  if (done) acknowledger_.SendAll(Now());
  return done;
}

Status Ingest::CommitStaged() {
  const int64_t begun_ns = clock_.MonotonicNs();
  Status done = fleet_.Flush(store_);
  if (done) done = observer_.flush(store_);
  if (done && !store_.staged()) return done;
  if (done) done = CommitStore();
  if (!done) {
    StageFailed(done.error());
    return done;
  }
  fleet_.Saved();
  observer_.saved();
  const auto seconds = static_cast<double>(clock_.MonotonicNs() - begun_ns) / 1e9;
  metrics_.commits.Increment();
  metrics_.commit_seconds.Observe(seconds);
  metrics_.batches.Increment(static_cast<double>(staged_batches_));
  metrics_.values.Increment(static_cast<double>(staged_values_));
  metrics_.journal_rows.Increment(static_cast<double>(staged_batches_) -
                                  static_cast<double>(expired_));
  if (staged_batches_ > 0) last_data_ms_ = staged_data_ms_;
  staged_bytes_ = staged_batches_ = staged_values_ = 0;
  expired_ = 0;
  return done;
}

Status Ingest::CommitStore() {
  if (!observer_.await) return store_.Commit();
  Status done;
  observer_.await([&] { done = store_.Commit(); });
  return done;
}

void Ingest::StageFailed(const Error& error) {
  store_.Rollback();
  metrics_.commit_failures.Increment();
  observer_.failed(error);
  Lost();
}

void Ingest::Lost() {
  for (Machine* machine : fleet_.Lost(store_)) MarkStale(*machine);
  staged_bytes_ = staged_batches_ = staged_values_ = 0;
  expired_ = 0;
}

void Ingest::MarkStale(Machine& machine) {
  if (std::exchange(machine.head_stale, true)) return;
  stale_.push_back(&machine);
}

void Ingest::Mend() {
  const int64_t now_ms = Now().mono_ms;
  std::erase_if(stale_, [&](Machine* machine) {
    if (machine->rebuilt_mono_ms && now_ms - *machine->rebuilt_mono_ms < kMendEveryMs) return false;
    machine->head_stale = false;
    machine->rebuilt_mono_ms = now_ms;
    auto rebuilt = RebuildHead(store_, fleet_, *machine, rebuild_decoder_);
    // Forgotten is right too: every value is unknown until it is stated again.
    if (!rebuilt) machine->head.Forget();
    return true;
  });
}

int64_t Ingest::Expire(int64_t needed, int64_t limit) {
  auto expired = store_.Expire(options_.retention, needed, retention_clock_.NowMs(), limit);
  if (!expired) {
    StageFailed(expired.error());
    return 0;
  }
  expired_ += *expired;
  return *expired;
}

void Ingest::Shrink() {
  if (grants_.catching_up() > 0) return;
  if (auto done = store_.Shrink(clock_, kShrinkBudget); !done) StageFailed(done.error());
}

}  // namespace haidang::collector
