#include <algorithm>
#include <cmath>
#include <utility>

#include "collector/ingest.h"
#include "core/crc64.h"
#include "core/log.h"
#include "core/utf8.h"

// What happens to one batch.
namespace haidang::collector {
namespace {

constexpr uint64_t kRecordedAnew = 4096;  // numbers of a new spool id that may be, at most
constexpr uint64_t kMaxNumber = uint64_t{1} << 62;
constexpr double kMaxOffset = 1e10;  // seconds
constexpr size_t kMaxBroken = 4096;
constexpr int kBrokenTimes = 3;  // the same damaged bytes so often: its number is settled

// The datatype that keeps a value as it stands on the wire, whatever the birth declared; only what
// stood in 32 bits needs the declared one, for its sign.
DataType AsSent(const sparkplug::WireValue& value, DataType declared) {
  using Kind = sparkplug::WireValue::Kind;
  switch (value.kind) {
    case Kind::kInt:
      return DataType::kUInt64;
    case Kind::kDouble:
      return DataType::kDouble;
    case Kind::kBoolean:
      return DataType::kBoolean;
    case Kind::kText:
      return DataType::kString;
    case Kind::kBytes:
      return DataType::kBytes;
    case Kind::kInt32:
    case Kind::kNull:
      break;
  }
  return declared;
}

bool IsSameReading(const sparkplug::BatchView& a, const sparkplug::BatchView& b) {
  const auto same = [](const sparkplug::SampleView& x, const sparkplug::SampleView& y) {
    return x.alias == y.alias && x.value.kind == y.value.kind && x.value.bits == y.value.bits &&
           x.value.view == y.value.view;
  };
  return a.header.boot_id == b.header.boot_id && a.header.since_boot_ms == b.header.since_boot_ms &&
         a.header.wall_ms == b.header.wall_ms && a.header.full == b.header.full &&
         std::equal(a.samples.begin(), a.samples.end(), b.samples.begin(), b.samples.end(), same);
}

}  // namespace

Ingest::Outcome Ingest::TakeMessage(Machine& machine, std::string_view payload,
                                    const char* refused_as) {
  auto message = decoder_.Decode(payload);
  if (!message) {
    Refuse(refused_as, machine.row.name, message.error().message);
    return Outcome::kDone;
  }
  if (message->batches.empty()) {
    Refuse("foreign", "", "");
    return Outcome::kDone;
  }
  if (message->has_seq) FollowSeq(machine, message->seq);
  Heard(machine);
  Outcome outcome = Outcome::kDone;
  const bool alone = message->batches.size() == 1;
  for (const sparkplug::BatchView& batch : message->batches) {
    Spool* spool = machine.FindSpool(batch.header.spool_id);
    if (TakeBatch({machine, spool, batch, payload, alone}) == Outcome::kNeedsBirth) {
      outcome = Outcome::kNeedsBirth;
    }
  }
  return outcome;
}

Ingest::Outcome Ingest::TakeBatch(const Arrival& arrival) {
  const sparkplug::BatchHeader& header = arrival.batch.header;
  if (header.number > kMaxNumber || header.wall_ms > INT64_MAX / 2) {
    Refuse("malformed", arrival.machine.row.name, "batch number or time out of range");
    return Outcome::kDone;
  }
  if (arrival.spool == nullptr || !arrival.machine.registered) return Outcome::kNeedsBirth;
  Spool& spool = *arrival.spool;
  if (!arrival.batch.crc_matches) {
    TakeBroken(arrival);
    return Outcome::kDone;
  }
  if (spool.committed.Contains(header.number)) {
    TakeKnown(arrival);
    return Outcome::kDone;
  }
  if (spool.row.redefined) {
    Quarantine(arrival, "alias_redefined");
    return Outcome::kDone;
  }
  if (spool.committed.ranges().size() >= fleet_.limits().ranges_per_spool &&
      spool.committed.AddsRange(header.number)) {
    Refuse("holes", arrival.machine.row.name, "too many of its batches are missing");
    return Outcome::kDone;
  }
  auto aliases = fleet_.AliasesOf(store_, arrival.machine, spool);
  if (!aliases) {
    StageFailed(aliases.error());
    return Outcome::kDone;
  }
  if (!Resolves(arrival, **aliases)) return Outcome::kNeedsBirth;
  if (!arrival.batch.historical &&
      arrival.machine.clock.See(header.boot_id, header.since_boot_ms, now_.wall_ms)) {
    fleet_.ClockChanged(arrival.machine, header.boot_id);
  }
  const auto time = arrival.machine.clock.Correct(header.boot_id, header.since_boot_ms,
                                                  header.wall_ms, now_.wall_ms);
  if (!time) {
    SetAside(arrival, "implausible_time");
  } else if (IsStoredUnderAnotherId(arrival, time->time_ms)) {
    TakeSameReading(arrival, time->time_ms);
  } else {
    Stage(arrival, *time, **aliases);
  }
  return Outcome::kDone;
}

// An agent whose machine was rolled back while it ran (a VM's snapshot) records anew, under a new
// spool id, what waited then; some of that had arrived meanwhile. A reading is known by its boot
// and its times.
bool Ingest::IsStoredUnderAnotherId(const Arrival& arrival, int64_t time_ms) {
  const sparkplug::BatchHeader& header = arrival.batch.header;
  const Machine& machine = arrival.machine;
  if (!arrival.batch.historical || arrival.spool != machine.live || machine.spools.size() < 2 ||
      header.number > kRecordedAnew) {
    return false;
  }
  bool found = false;
  auto read = store_.OfOtherSpools(machine.row.id, arrival.spool->row.id, time_ms,
                                   [&](std::string_view payload) {
                                     const auto message = rebuild_decoder_.Decode(payload);
                                     if (!message) return;
                                     for (const sparkplug::BatchView& batch : message->batches) {
                                       found = found || IsSameReading(batch, arrival.batch);
                                     }
                                   });
  return read && found;
}

// Its number is settled, and nothing is lost by it.
void Ingest::TakeSameReading(const Arrival& arrival, int64_t time_ms) {
  const sparkplug::BatchHeader& header = arrival.batch.header;
  Spool& spool = *arrival.spool;
  fleet_.Take(spool, {header.number, header.crc, time_ms, now_.wall_ms});
  spool.gaps.push_back(
      {spool.row.id, {header.number, header.number}, store::kSameReading, now_.wall_ms});
  acknowledger_.Due(arrival.machine, spool, false);
  grants_.Came(arrival.machine.row.id, now_.mono_ms);
  metrics_.duplicates.Increment();
}

bool Ingest::Resolves(const Arrival& arrival, const AliasTable& aliases) const {
  return std::all_of(
      arrival.batch.samples.begin(), arrival.batch.samples.end(),
      [&](const sparkplug::SampleView& s) { return aliases.Find(s.alias) != nullptr; });
}

void Ingest::TakeKnown(const Arrival& arrival) {
  const sparkplug::BatchHeader& header = arrival.batch.header;
  Spool& spool = *arrival.spool;
  acknowledger_.Due(arrival.machine, spool, false);
  store::JournalRow key;
  key.machine = arrival.machine.row.id;
  key.spool = spool.row.id;
  key.number = header.number;
  const auto corrected = arrival.machine.clock.Correct(header.boot_id, header.since_boot_ms,
                                                       header.wall_ms, now_.wall_ms);
  key.time_ms = corrected ? corrected->time_ms : header.wall_ms;
  auto stored = store_.IsConflict(key, header.crc, now_.wall_ms - options_.retention.raw.count());
  if (stored && *stored) return Quarantine(arrival, "other_crc");
  metrics_.duplicates.Increment();
}

void Ingest::TakeBroken(const Arrival& arrival) {
  const uint64_t number = arrival.batch.header.number;
  Spool& spool = *arrival.spool;
  Quarantine(arrival, "crc");
  if (!arrival.alone || spool.committed.Contains(number)) return;
  if (broken_.size() >= kMaxBroken) broken_.clear();
  Broken& broken = broken_[{spool.row.id, number}];
  // The seq and is_historical differ with each sending; the batch's own bytes do not.
  Crc64 bytes;
  for (const sparkplug::SampleView& sample : arrival.batch.samples) {
    bytes.Update({reinterpret_cast<const char*>(&sample.alias), sizeof sample.alias});
    bytes.Update({reinterpret_cast<const char*>(&sample.value.bits), sizeof sample.value.bits});
    bytes.Update(sample.value.view);
  }
  if (broken.times > 0 && broken.bytes_crc != bytes.value()) broken.times = 0;
  broken.bytes_crc = bytes.value();
  if (++broken.times < kBrokenTimes) return;
  // It stands so in its spool: it will never come whole, and must not block what follows.
  broken_.erase({spool.row.id, number});
  fleet_.Lose(spool, {{number, number}, "damaged", now_.wall_ms, now_.wall_ms});
  acknowledger_.Due(arrival.machine, spool, false);
}

void Ingest::SetAside(const Arrival& arrival, const char* reason) {
  const uint64_t number = arrival.batch.header.number;
  Quarantine(arrival, reason);
  fleet_.Lose(*arrival.spool, {{number, number}, reason, now_.wall_ms, now_.wall_ms});
  acknowledger_.Due(arrival.machine, *arrival.spool, false);
}

void Ingest::Stage(const Arrival& arrival, const MachineClock::Corrected& time,
                   const AliasTable& aliases) {
  const sparkplug::BatchHeader& header = arrival.batch.header;
  Spool& spool = *arrival.spool;
  std::string own;
  if (!arrival.alone) own = Alone(arrival, aliases);
  store::JournalRow row;
  row.machine = arrival.machine.row.id;
  row.spool = spool.row.id;
  row.number = header.number;
  row.time_ms = time.time_ms;
  row.offset_ms = time.offset_ms;
  row.received_ms = now_.wall_ms;
  row.flags = (header.full ? store::kFlagFull : 0) |
              (arrival.batch.historical || !arrival.alone ? store::kFlagHistorical : 0);
  row.crc = header.crc;
  row.payload = arrival.alone ? arrival.payload : std::string_view(own);
  if (!arrival.machine.share.Take(row.payload.size(), fleet_.limits().bytes_per_day,
                                  now_.mono_ms)) {
    return Refuse("quota", arrival.machine.row.name,
                  "sends more than [limits] bytes_per_day; the rest waits in its spool");
  }
  const auto id = store_.Append(row);
  if (!id) return StageFailed(id.error());
  if (observer_.journaled) observer_.journaled(row, *id);
  if (!arrival.batch.events.empty() && !StageEvents(row, arrival.batch.events)) return;
  fleet_.Take(spool, {header.number, header.crc, time.time_ms, now_.wall_ms});
  staged_bytes_ += row.payload.size();
  staged_values_ += arrival.batch.samples.size();
  ++staged_batches_;
  staged_data_ms_ = now_.wall_ms;
  spool.newest = header.number;
  spool.newest_received_ms = now_.wall_ms;
  arrival.machine.received_ms = now_.wall_ms;
  acknowledger_.Due(arrival.machine, spool, false);
  if (arrival.batch.historical) grants_.Came(arrival.machine.row.id, now_.mono_ms);
  Advance(arrival, aliases);
}

bool Ingest::StageEvents(const store::JournalRow& row, std::string_view bytes) {
  auto events = sparkplug::DecodeEvents(bytes);
  if (!events) {
    metrics_.Refused("events");
    return true;
  }
  for (const Event& event : *events) {
    if (auto done = store_.AppendEvent(row, event); !done) {
      StageFailed(done.error());
      return false;
    }
  }
  return true;
}

// An envelope holds many batches; each is stored by itself, as it would have come live: with all
// that its CRC covers, series beyond the cap included.
std::string Ingest::Alone(const Arrival& arrival, const AliasTable& aliases) const {
  sparkplug::Batch batch;
  batch.header = arrival.batch.header;
  batch.samples.reserve(arrival.batch.samples.size());
  for (const sparkplug::SampleView& sample : arrival.batch.samples) {
    const AliasEntry* entry = aliases.Find(sample.alias);
    batch.samples.emplace_back(
        sample.alias, sparkplug::ToValue(sample.value, AsSent(sample.value, entry->datatype)));
  }
  if (auto events = sparkplug::DecodeEvents(arrival.batch.events))
    batch.events = std::move(*events);
  return sparkplug::EncodeBatch(batch);
}

void Ingest::Advance(const Arrival& arrival, const AliasTable& aliases) {
  Machine& machine = arrival.machine;
  const sparkplug::BatchHeader& header = arrival.batch.header;
  const bool live = !arrival.batch.historical;
  if (arrival.spool != machine.live) {
    if (!live) return;  // an old spool's backlog
    machine.live = arrival.spool;
    machine.row.live_spool = arrival.spool->row.id;
    fleet_.RowChanged(machine);
  }
  const bool same = machine.head.spool() == arrival.spool->row.id;
  if (same && header.number < machine.head.number()) {
    if (machine.head.has_hole() && header.number > machine.head.full_number()) MarkStale(machine);
    return;
  }
  const bool consecutive = same && header.number == machine.head.number() + 1;
  machine.head.Apply(arrival.spool->row.id, header, arrival.batch.samples, aliases);
  machine.cpu.Update(machine.roles, machine.head, consecutive);
  if (!live) return;
  machine.received_mono_ms = now_.mono_ms;
  FollowClock(machine, header);
  if (header.state != sparkplug::AgentState::kRunning) machine.presence.Goodbye(header.state);
  observer_.tick(machine, now_);
}

// The machine's own measurement is better than what the network's delay allows to say.
void Ingest::FollowClock(Machine& machine, const sparkplug::BatchHeader& header) {
  const auto offset = machine.head.Number(machine.roles.clock_offset);
  const auto error = machine.head.Number(machine.roles.clock_error);
  if (!offset || !error || std::abs(*offset) > kMaxOffset) return;
  if (*error < 0 || *error * 1000 > static_cast<double>(MachineClock::kTolerance)) return;
  const int64_t time_ms = header.wall_ms - std::llround(*offset * 1000);
  if (machine.clock.Measure(header.boot_id, header.since_boot_ms, time_ms)) {
    fleet_.ClockChanged(machine, header.boot_id);
  }
}

void Ingest::Quarantine(const Arrival& arrival, const char* reason) {
  metrics_.Quarantined(reason);
  const sparkplug::BatchHeader& header = arrival.batch.header;
  if (quarantined_.Met(reason)) {
    spdlog::warn("{}: batch {} of spool {:016x} is quarantined ({})",
                 Printable(arrival.machine.row.name), header.number, header.spool_id, reason);
  }
  store::QuarantineRow row{arrival.machine.row.id, reason,        now_.wall_ms,
                           header.spool_id,        header.number, arrival.payload};
  if (auto done = store_.Put(row); !done) StageFailed(done.error());
}

}  // namespace haidang::collector
