#include "agent/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"

namespace haidang::agent {
namespace {

using sparkplug::MessageType;
using std::chrono::milliseconds;

constexpr double kMaxRate = 10000;
// The collector commits within this: what was sent so shortly before a birth may still be on its
// way.
constexpr int64_t kOnItsWayNs = 2'000'000'000;

// Longer than a trouble is held back.
constexpr milliseconds kUnsaidLoss{61'000};

constexpr int64_t Ns(milliseconds time) { return time.count() * 1'000'000; }

}  // namespace

Link::Link(Loop& loop, const Clock& clock, LinkOptions options, Recorder& recorder, Spool& spool,
           std::function<double()> random, SessionFactory factory)
    : loop_(loop),
      clock_(clock),
      options_(std::move(options)),
      recorder_(recorder),
      spool_(spool),
      random_(std::move(random)),
      factory_(std::move(factory)),
      rate_(options_.backfill_rate),
      command_log_(clock),
      losses_(clock),
      unread_(clock),
      unsettled_(clock) {}

Link::~Link() = default;

std::string Link::Topic(MessageType type) const {
  return ToString(sparkplug::Topic{type, options_.group, options_.machine});
}

Status Link::Start() {
  if (Status s = sparkplug::CheckId(options_.group); !s) return s;
  if (Status s = sparkplug::CheckId(options_.machine); !s) return s;
  data_topic_ = Topic(MessageType::kNData);
  command_topic_ = Topic(MessageType::kNCmd);
  if (options_.mqtt.client_id.empty()) options_.mqtt.client_id = options_.machine;

  MqttHandlers handlers;
  handlers.will = [this] { return MakeWill(); };
  handlers.connected = [this] { OnConnected(); };
  handlers.disconnected = [this](const Error& why) { OnDisconnected(why); };
  handlers.received = [this](std::vector<MqttMessage>&& messages) { OnReceived(messages); };
  auto session = factory_(loop_, clock_, options_.mqtt, {{command_topic_, 1}}, std::move(handlers));
  if (!session) return session.error();
  session_ = std::move(session).value();
  session_->Start();
  return {};
}

MqttMessage Link::MakeWill() {
  if (const Result<uint8_t> next = spool_.NextBdSeq()) bd_seq_ = *next;
  return {Topic(MessageType::kNDeath), sparkplug::EncodeDeath(bd_seq_, clock_.WallMs()), 1, false};
}

void Link::OnConnected() {
  unsaid_loss_.reset();
  if (std::exchange(loss_said_, false)) spdlog::info("connected to {}", options_.mqtt.uri);
  in_flight_.clear();
  batches_in_flight_ = 0;
  backlog_in_flight_ = 0;
  rate_ = options_.backfill_rate;
  unanswered_ns_.reset();
  RestartScan();
  SendBirth();
}

// A connection that comes and goes is not said each time; one that stays away always is.
void Link::OnDisconnected(const Error& why) {
  birth_timer_.reset();
  work_timer_.reset();
  if (SayLoss(why) || loss_said_) return unsaid_loss_.reset();
  unsaid_loss_ = loop_.After(kUnsaidLoss, [this, why] {
    unsaid_loss_.reset();
    SayLoss(why);
  });
}

bool Link::SayLoss(const Error& why) {
  const auto held_back = losses_.Met(why.message);
  if (!held_back) return false;
  loss_said_ = true;
  const std::string more =
      *held_back == 0 ? "" : fmt::format(" ({} held back since this was last said)", *held_back);
  spdlog::warn("{}; trying again, samples wait in the spool{}", why.message, more);
  return true;
}

// ---- births ----

void Link::WantBirth() {
  if (birth_timer_ != nullptr || !session_->connected()) return;
  const int64_t due_ns = last_birth_ns_ + Ns(options_.birth_spacing);
  const int64_t wait_ns = due_ns - clock_.MonotonicNs();
  if (wait_ns <= 0) return SendBirth();
  birth_timer_ = loop_.After(milliseconds(wait_ns / 1'000'000 + 1), [this] {
    birth_timer_.reset();
    SendBirth();
  });
}

void Link::SendBirth() {
  birth_timer_.reset();
  born_generation_ = 0;
  answered_ = false;
  if (!recorder_.ready()) return;  // Submit comes back to it with the next tick
  last_birth_ns_ = clock_.MonotonicNs();
  Result<sparkplug::Birth> birth = recorder_.MakeBirth(clock_.WallMs());
  if (!NoteRead(birth)) return WantBirth();
  birth->seq = 0;
  birth->bd_seq = bd_seq_;
  birth->agent_version = options_.version;
  birth->os = options_.os;
  birth->machine_class = options_.machine_class;
  birth->site = options_.site;
  birth->interval_ms = options_.interval.count();
  birth->since_boot_ms = clock_.SinceBootMs();
  if (!session_->Publish({Topic(MessageType::kNBirth), sparkplug::EncodeBirth(*birth), 0, false})) {
    return WantBirth();
  }
  seq_ = 1;
  born_generation_ = recorder_.generation();
  ++counts_.births;
  recorder_.RequestFull();
}

// ---- commands ----

void Link::OnReceived(const std::vector<MqttMessage>& messages) {
  for (const MqttMessage& message : messages) {
    if (message.topic == command_topic_) OnCommand(message.payload);
  }
}

void Link::OnCommand(std::string_view payload) {
  const Result<sparkplug::Command> command = sparkplug::DecodeCommand(payload);
  if (!command) {
    ++counts_.bad_commands;
    if (command_log_.Ready()) {
      spdlog::warn("a command of {} bytes cannot be read: {} ({} more since the last line)",
                   payload.size(), command.error().message, command_log_.suppressed());
    }
    return;
  }
  if (command->backfill_rate && std::isfinite(*command->backfill_rate)) {
    rate_ = std::clamp(*command->backfill_rate, 0.0, kMaxRate);
  }
  if (command->journeys && options_.leased) options_.leased(*command->journeys);
  if (command->committed) OnCommitted(*command->committed);
  if (command->rebirth) {
    born_generation_ = 0;  // no data until then
    WantBirth();
  }
  Arm();
}

void Link::OnCommitted(const sparkplug::Committed& committed) {
  const uint64_t id = spool_.id();
  const Result<Settlement> settled = spool_.Settle(committed);
  if (!settled) {
    if (unsettled_.Met()) {
      spdlog::error("{}; what was acknowledged stays, and is sent again", settled.error().message);
    }
    return;
  }
  if (const auto count = unsettled_.Over()) {
    spdlog::info("acknowledgements take effect again; {} had none", *count);
  }
  if (Silent() || settled->again > 0) RestartScan();
  acknowledged_ns_ = clock_.MonotonicNs();
  unanswered_ns_.reset();
  MeasureClock(committed);
  LandSettled(committed);
  if (spool_.id() != id) {  // rolled back, or in its file again
    born_generation_ = 0;
    WantBirth();
  } else if (committed.spool_id == id && !answered_) {
    OnAnswered();
  }
}

// The collector is there: what it did not have by the birth was lost, and goes again.
void Link::OnAnswered() {
  answered_ = true;
  for (auto flight = in_flight_.begin(); flight != in_flight_.end();) {
    const auto here = flight++;
    if (here->second.sent_ns < last_birth_ns_ - kOnItsWayNs) Land(here);
  }
  RestartScan();
  credit_ns_ = clock_.MonotonicNs();
}

// ---- end ----

void Link::Stop(const std::optional<StoredBatch>& last, milliseconds deadline,
                std::function<void()> done) {
  stopping_ = true;
  birth_timer_.reset();
  work_timer_.reset();
  if (session_ == nullptr) return loop_.Post(std::move(done));
  std::vector<MqttMessage> messages;
  if (session_->connected()) {
    if (last && born_generation_ != recorder_.generation()) SendBirth();
    if (last && born_generation_ == recorder_.generation()) {
      messages.push_back(
          {data_topic_, sparkplug::SealBatch(last->encoded, seq_++, false), 0, false});
    }
    messages.push_back(
        {Topic(MessageType::kNDeath), sparkplug::EncodeDeath(bd_seq_, clock_.WallMs()), 1, false});
  }
  session_->Stop(std::move(messages), deadline, std::move(done));
}

LinkStats Link::stats() const {
  LinkStats stats = counts_;
  stats.connected = session_ != nullptr && session_->connected();
  stats.waiting_batches = spool_.waiting_batches();
  stats.waiting_bytes = spool_.waiting_bytes();
  stats.dropped_batches = spool_.dropped_batches();
  stats.clock = clock_offset_.At(clock_.WallMs(), clock_.SinceBootMs());
  return stats;
}

}  // namespace haidang::agent
