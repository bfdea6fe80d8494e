#include "agent/link.h"

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

// Backlog goes in small bursts, and only while little waits for the socket: live batches go first.
constexpr milliseconds kBurst{200};
constexpr size_t kMaxQueuedBacklog = 64 << 10;
constexpr size_t kReadAtOnce = 16;
constexpr double kMaxRate = 10000;
// The collector commits within this: what was sent so shortly before a birth may still be on its
// way.
constexpr int64_t kOnItsWayNs = 2'000'000'000;

constexpr int64_t Ns(milliseconds time) { return time.count() * 1'000'000; }

bool Names(const sparkplug::Committed& committed, uint64_t number) {
  if (number <= committed.cumulative) return true;
  return std::any_of(committed.ranges.begin(), committed.ranges.end(), [&](const auto& range) {
    return number >= range.first && number <= range.last;
  });
}

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
  handlers.disconnected = [this](const Error& why) {
    spdlog::warn("{}; trying again, samples wait in the spool", why.message);
    birth_timer_.reset();
    work_timer_.reset();
  };
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
  spdlog::info("connected to {}", options_.mqtt.uri);
  in_flight_.clear();
  backlog_in_flight_ = 0;
  RestartScan();
  SendBirth();
}

// Whether the spool could be read.
template <typename T>
bool Link::NoteRead(const Result<T>& result) {
  if (!result) {
    if (unread_.Met())
      spdlog::error("nothing can be sent from the spool: {}", result.error().message);
  } else if (const auto count = unread_.Over()) {
    spdlog::info("the spool can be read again; it could not {} times", *count);
  }
  return result.ok();
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
  if (!session_->Publish({Topic(MessageType::kNBirth), sparkplug::EncodeBirth(*birth), 0, false})) {
    return WantBirth();
  }
  seq_ = 1;
  born_generation_ = recorder_.generation();
  ++counts_.births;
  recorder_.RequestFull();
}

// ---- batches ----

void Link::Submit(const StoredBatch& batch) {
  if (stopping_ || session_ == nullptr || !session_->connected()) return;
  if (born_generation_ != recorder_.generation()) WantBirth();
  if (born_generation_ != recorder_.generation() || !Send(batch, false)) RestartScan();
  Arm();
}

// Hands a batch to the network; false where there is no room.
bool Link::Send(const StoredBatch& batch, bool historical) {
  if (!session_->Publish(
          {data_topic_, sparkplug::SealBatch(batch.encoded, seq_, historical), 0, false})) {
    return false;
  }
  ++seq_;
  ++counts_.sent_batches;
  Flight& flight = in_flight_[{batch.spool_id, batch.number}];
  if (historical) ++counts_.resent_batches;
  if (historical && !flight.backlog) {
    flight.backlog = true;
    ++backlog_in_flight_;
  }
  const double wait = std::min(
      std::ldexp(static_cast<double>(options_.resend_min.count()), std::min(flight.attempts++, 30)),
      static_cast<double>(options_.resend_max.count()));
  flight.sent_ns = clock_.MonotonicNs();
  flight.resend_ns = flight.sent_ns + static_cast<int64_t>(wait * (0.75 + random_() / 2) * 1e6);
  // Nobody acknowledges: the oldest are found again by a scan once somebody does.
  if (in_flight_.size() > 2 * options_.max_in_flight) {
    Land(in_flight_.begin());
    RestartScan();
  }
  return true;
}

void Link::Land(std::map<Key, Flight>::iterator flight) {
  if (flight->second.backlog) --backlog_in_flight_;
  in_flight_.erase(flight);
}

void Link::RestartScan() {
  scan_done_ = false;
  scan_below_.reset();
}

// ---- backlog ----

void Link::Arm() {
  if (stopping_ || !answered_ || born_generation_ == 0 || !session_->connected()) return;
  const int64_t now_ns = clock_.MonotonicNs();
  int64_t due_ns = std::numeric_limits<int64_t>::max();
  if (!scan_done_ && rate_ > 0 && backlog_in_flight_ < options_.max_in_flight) due_ns = now_ns;
  for (const auto& [key, flight] : in_flight_) due_ns = std::min(due_ns, flight.resend_ns);
  if (due_ns == std::numeric_limits<int64_t>::max()) return;
  due_ns = std::max(due_ns, now_ns + Ns(kBurst));
  if (work_timer_ != nullptr && work_ns_ <= due_ns) return;
  work_ns_ = due_ns;
  work_timer_ = loop_.After(milliseconds((due_ns - now_ns) / 1'000'000 + 1), [this] {
    work_timer_.reset();
    Work();
  });
}

void Link::Work() {
  if (!session_->connected() || born_generation_ != recorder_.generation()) return;
  const int64_t now_ns = clock_.MonotonicNs();
  const double seconds = static_cast<double>(now_ns - credit_ns_) / 1e9;
  credit_ns_ = now_ns;
  credit_ = std::min(credit_ + seconds * rate_, std::max(rate_, 1.0));
  const auto limit = static_cast<size_t>(credit_);
  const uint64_t before = counts_.sent_batches;
  const size_t resent = ResendOverdue(limit);
  SendBacklog(limit - resent);
  credit_ -= static_cast<double>(counts_.sent_batches - before);
  Arm();
}

size_t Link::ResendOverdue(size_t limit) {
  const int64_t now_ns = clock_.MonotonicNs();
  std::vector<Key> overdue;
  for (const auto& [key, flight] : in_flight_) {
    if (flight.resend_ns <= now_ns && overdue.size() < limit) overdue.push_back(key);
  }
  size_t sent = 0;
  for (const Key& key : overdue) {
    const Result<std::optional<StoredBatch>> batch = spool_.Find(key.first, key.second);
    if (!NoteRead(batch)) break;
    if (!*batch) {
      Land(in_flight_.find(key));  // given up because of a bound
    } else if (session_->outgoing_bytes() > kMaxQueuedBacklog || !Send(**batch, true)) {
      break;
    } else {
      ++sent;
    }
  }
  return sent;
}

void Link::SendBacklog(size_t limit) {
  while (limit > 0 && !scan_done_ && backlog_in_flight_ < options_.max_in_flight) {
    const auto batches = spool_.Waiting(std::min(limit, kReadAtOnce), scan_below_);
    if (!NoteRead(batches)) return;
    scan_done_ = batches->empty();
    for (const StoredBatch& batch : *batches) {
      if (!in_flight_.contains({batch.spool_id, batch.number})) {
        if (session_->outgoing_bytes() > kMaxQueuedBacklog || !Send(batch, true)) return;
        --limit;
      }
      scan_below_ = batch.rowid;
    }
  }
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
  if (command->committed) OnCommitted(*command->committed);
  if (command->rebirth) {
    born_generation_ = 0;  // no data until then
    WantBirth();
  }
  Arm();
}

void Link::OnCommitted(const sparkplug::Committed& committed) {
  const uint64_t id = spool_.id();
  const Result<size_t> settled = spool_.Settle(committed);
  if (!settled) {
    if (unsettled_.Met()) {
      spdlog::error("{}; what was acknowledged stays, and is sent again", settled.error().message);
    }
    return;
  }
  if (const auto count = unsettled_.Over()) {
    spdlog::info("acknowledgements take effect again; {} had none", *count);
  }
  const Key first{committed.spool_id, 0};
  for (auto flight = in_flight_.lower_bound(first);
       flight != in_flight_.end() && flight->first.first == committed.spool_id;) {
    const auto here = flight++;
    if (Names(committed, here->first.second)) Land(here);
  }
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
  return stats;
}

}  // namespace haidang::agent
