#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "agent/link.h"
#include "core/sparkplug/batch.h"

// What is sent, and sent again.
namespace haidang::agent {
namespace {

using std::chrono::milliseconds;

// Backlog goes in small bursts, and only while little waits for the socket: live batches go first.
constexpr milliseconds kBurst{200};
constexpr size_t kMaxQueuedBacklog = 64 << 10;
constexpr size_t kReadAtOnce = 16;   // messages
constexpr double kUntilWord = 6;     // seconds
constexpr double kMaxWindow = 4096;  // batches

constexpr int64_t Ns(milliseconds time) { return time.count() * 1'000'000; }

bool Names(const sparkplug::Committed& committed, uint64_t first, uint64_t last) {
  if (last <= committed.cumulative) return true;
  return std::any_of(committed.ranges.begin(), committed.ranges.end(),
                     [&](const auto& range) { return first >= range.first && last <= range.last; });
}

}  // namespace

void Link::Submit(const StoredBatch& batch) {
  if (stopping_ || session_ == nullptr || !session_->connected()) return;
  if (born_generation_ != recorder_.generation()) WantBirth();
  if (born_generation_ != recorder_.generation() || !SendLive(batch)) RestartScan();
  Arm();
}

// Hands a batch to the network; false where there is no room.
bool Link::SendLive(const StoredBatch& batch) {
  if (!session_->Publish(
          {data_topic_, sparkplug::SealBatch(batch.encoded, seq_, false), 0, false})) {
    return false;
  }
  TakeOff(batch.spool_id, batch.number, batch.number, 0);
  // Nobody acknowledges: the oldest are found again by a scan once somebody does.
  while (batches_in_flight_ > 2 * Window()) {
    Land(in_flight_.begin());
    RestartScan();
  }
  return true;
}

// Likewise; takes it off what may be sent.
bool Link::SendBacklog(const Parcel& parcel, int attempts) {
  if (session_->outgoing_bytes() > kMaxQueuedBacklog) return false;
  std::string payload = parcel.packed
                            ? sparkplug::SealEnvelopeBody(parcel.bytes, seq_, clock_.WallMs())
                            : sparkplug::SealBatch(parcel.bytes, seq_, true);
  if (!session_->Publish({data_topic_, std::move(payload), 0, false})) return false;
  Flight& flight = TakeOff(parcel.spool_id, parcel.first, parcel.last, attempts);
  flight.backlog = true;
  backlog_in_flight_ += parcel.batches();
  counts_.resent_batches += parcel.batches();
  credit_ -= static_cast<double>(parcel.batches());
  return true;
}

Link::Flight& Link::TakeOff(uint64_t spool_id, uint64_t first, uint64_t last, int attempts) {
  for (auto flight = in_flight_.lower_bound({spool_id, first}); flight != in_flight_.end() &&
                                                                flight->first.first == spool_id &&
                                                                flight->first.second <= last;) {
    Land(flight++);
  }
  ++seq_;
  counts_.sent_batches += last - first + 1;
  batches_in_flight_ += static_cast<size_t>(last - first + 1);
  Flight& flight = in_flight_[{spool_id, first}];
  flight.last = last;
  flight.attempts = attempts + 1;
  flight.sent_ns = clock_.MonotonicNs();
  if (!unanswered_ns_) unanswered_ns_ = flight.sent_ns;
  flight.sent_boot_ms = clock_.SinceBootMs();
  flight.resend_ns = flight.sent_ns + Patience(attempts);
  return flight;
}

// How long an acknowledgement is waited for, in nanoseconds: doubling, with jitter.
int64_t Link::Patience(int attempts) {
  const double wait =
      std::min(std::ldexp(static_cast<double>(options_.resend_min.count()), std::min(attempts, 30)),
               static_cast<double>(options_.resend_max.count()));
  return static_cast<int64_t>(wait * (0.75 + random_() / 2) * 1e6);
}

void Link::Land(Flights::iterator flight) {
  const auto batches = static_cast<size_t>(flight->second.last - flight->first.second + 1);
  batches_in_flight_ -= batches;
  if (flight->second.backlog) backlog_in_flight_ -= batches;
  in_flight_.erase(flight);
}

bool Link::InFlight(uint64_t spool_id, uint64_t number) const {
  const auto after = in_flight_.upper_bound({spool_id, number});
  if (after == in_flight_.begin()) return false;
  const auto& [key, flight] = *std::prev(after);
  return key.first == spool_id && flight.last >= number;
}

void Link::RestartScan() {
  scan_done_ = false;
  scan_below_.reset();
}

// ---- backlog ----

bool Link::Silent() const {
  return unanswered_ns_ && clock_.MonotonicNs() - *unanswered_ns_ > Ns(options_.resend_min);
}

bool Link::MaySendBacklog() const {
  return !scan_done_ && !Silent() && rate_ > 0 && backlog_in_flight_ < Window();
}

// So many batches of backlog may be on their way: as many as the rate lets go until the collector
// acknowledges again, which it does every 5 s.
size_t Link::Window() const {
  const auto granted = static_cast<size_t>(std::min(rate_ * kUntilWord, kMaxWindow));
  return std::max(options_.max_in_flight, granted);
}

void Link::Arm() {
  if (stopping_ || !answered_ || born_generation_ == 0 || !session_->connected()) return;
  const int64_t now_ns = clock_.MonotonicNs();
  int64_t due_ns = std::numeric_limits<int64_t>::max();
  for (const auto& [key, flight] : in_flight_) due_ns = std::min(due_ns, flight.resend_ns);
  if (MaySendBacklog()) due_ns = now_ns;
  if (due_ns == std::numeric_limits<int64_t>::max()) return;
  due_ns = std::max(due_ns, now_ns + Ns(kBurst));
  if (rate_ > 0 && credit_ < 1) {
    due_ns = std::max(due_ns, now_ns + static_cast<int64_t>((1 - credit_) / rate_ * 1e9));
  }
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
  ResendOverdue();
  SendWaiting();
  Arm();
}

// What was sent since the collector last said anything is not lost, as far as anybody knows: only
// the newest of it goes again, to ask. The rest waits for the answer.
void Link::ResendOverdue() {
  const int64_t now_ns = clock_.MonotonicNs();
  const int64_t heard_ns = acknowledged_ns_.value_or(0);
  std::vector<std::pair<Key, Flight>> overdue;
  Flights::iterator newest = in_flight_.end();
  for (auto flight = in_flight_.begin(); flight != in_flight_.end(); ++flight) {
    const bool newer =
        newest == in_flight_.end() || flight->second.sent_ns >= newest->second.sent_ns;
    if (newer) newest = flight;
  }
  for (auto flight = in_flight_.begin(); flight != in_flight_.end(); ++flight) {
    if (flight->second.resend_ns > now_ns) continue;
    if (flight->second.sent_ns < heard_ns || flight == newest) {
      overdue.emplace_back(*flight);
    } else {
      flight->second.resend_ns = now_ns + Patience(0);
    }
  }
  for (const auto& [key, flight] : overdue) {
    if (credit_ < 1) return;
    auto parcels = spool_.WaitingOf(key.first, key.second, flight.last);
    if (!NoteRead(parcels)) return;
    const auto here = in_flight_.find(key);
    if (here == in_flight_.end()) continue;  // it went with the pack that it is now a part of
    Land(here);
    for (const Parcel& parcel : *parcels) {
      if (SendBacklog(parcel, flight.attempts)) continue;
      RestartScan();
      return;
    }
  }
}

void Link::SendWaiting() {
  while (credit_ >= 1 && MaySendBacklog()) {
    const size_t limit = std::min(static_cast<size_t>(credit_), kReadAtOnce);
    auto parcels = spool_.Waiting(limit, scan_below_, [this](uint64_t spool_id, uint64_t number) {
      return InFlight(spool_id, number);
    });
    if (!NoteRead(parcels)) return;
    scan_done_ = parcels->empty();
    for (const Parcel& parcel : *parcels) {
      if (credit_ < 1 || !MaySendBacklog()) return;
      const int64_t row = parcel.first_row;
      if (!SendBacklog(parcel, 0)) return;
      scan_below_ = row;
    }
  }
}

// A flight is over once all of it was named. What was sent before a batch that has arrived and is
// not named was lost on the way, as nothing overtakes anything there: it is due at once, instead of
// after its patience. Only the first time: what the collector does not take would else come with
// each of its words.
void Link::LandSettled(const sparkplug::Committed& committed) {
  const Flight* newest = NewestOf(committed);
  const int64_t arrived_ns = newest == nullptr ? 0 : newest->sent_ns;
  const bool all_told = committed.ranges.size() < sparkplug::kMaxCommittedRanges;
  for (auto flight = in_flight_.lower_bound({committed.spool_id, 0});
       flight != in_flight_.end() && flight->first.first == committed.spool_id;) {
    const auto here = flight++;
    if (Names(committed, here->first.second, here->second.last)) {
      Land(here);
    } else if (all_told && here->second.attempts == 1 && here->second.sent_ns < arrived_ns) {
      here->second.resend_ns = clock_.MonotonicNs();
    }
  }
}

// The flight of the batch whose receipt is told; null where it is no more, or was sent more than
// once: then nobody knows which sending was received.
const Link::Flight* Link::NewestOf(const sparkplug::Committed& committed) const {
  if (committed.newest == 0) return nullptr;
  const auto after = in_flight_.upper_bound({committed.spool_id, committed.newest});
  if (after == in_flight_.begin()) return nullptr;
  const auto& [key, flight] = *std::prev(after);
  const bool carries = key.first == committed.spool_id && flight.last >= committed.newest;
  return carries && flight.attempts == 1 ? &flight : nullptr;
}

void Link::MeasureClock(const sparkplug::Committed& committed) {
  const Flight* newest = NewestOf(committed);
  if (newest == nullptr || committed.received_ms == 0) return;
  clock_offset_.Measure(newest->sent_boot_ms, committed.received_ms, committed.sent_ms,
                        clock_.SinceBootMs());
}

}  // namespace haidang::agent
