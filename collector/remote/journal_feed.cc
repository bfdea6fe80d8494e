#include "collector/remote/journal_feed.h"

#include <algorithm>
#include <utility>

#include "collector/store/rows.h"

namespace haidang::remote {
namespace {

// Of a slice.
constexpr size_t kRowBytes = 4 << 20;
constexpr size_t kRequestBytes = 4 << 20;
constexpr size_t kLateRows = 256;
// Receivers may refuse what is so far behind the newest that they have, even where it is in order:
// it goes in requests of its own.
constexpr int64_t kFarBehindMs = int64_t{30} * 60 * 1000;
// Nothing of a machine for so long: what was known of it is forgotten.
constexpr int64_t kForgetMs = int64_t{30} * 60 * 1000;

}  // namespace

Result<std::unique_ptr<JournalFeed>> JournalFeed::Open(const std::string& path,
                                                       const RemoteOptions& options,
                                                       const FeedStart& start) {
  auto directory = Directory::Open(path);
  if (!directory) return directory.error();
  return std::unique_ptr<JournalFeed>(new JournalFeed(std::move(*directory), options, start));
}

JournalFeed::JournalFeed(std::unique_ptr<Directory> directory, const RemoteOptions& options,
                         const FeedStart& start)
    : directory_(std::move(directory)),
      options_(options),
      start_(start),
      position_(std::min(start.lead_from - 1, start.cursor)) {}

Result<Slice> JournalFeed::Next(int64_t skip_to, int64_t wall_ms) {
  if (auto done = directory_->Refresh(); !done) return done.error();
  if (auto done = CatchUp(); !done) return done.error();
  Slice slice;
  WriteRequests out(options_.requests,
                    [&](Request&& request) { slice.requests.push_back(std::move(request)); });
  const Mode mode = position_ + 1 < skip_to ? Mode::kSkip : Mode::kTell;
  const int64_t limit_id = mode == Mode::kSkip ? skip_to - 1 : INT64_MAX;
  if (auto done = ReadSome(mode, limit_id, &out, slice); !done) return done.error();
  if (auto done = SettleLate(mode == Mode::kSkip ? nullptr : &out, slice); !done) {
    return done.error();
  }
  if (slice.caught_up && mode == Mode::kTell) {
    if (auto done = EndGone(wall_ms, out); !done) return done.error();
  }
  if (mode == Mode::kTell) out.Mark(position_);
  out.Flush();
  slice.position = position_;
  return slice;
}

// What is known at the cursor, and was told, follows from the rows before it.
Status JournalFeed::CatchUp() {
  while (position_ < start_.cursor) {
    Slice nowhere;
    if (auto done = ReadSome(Mode::kLead, start_.cursor, nullptr, nowhere); !done) return done;
    if (auto done = SettleLate(nullptr, nowhere); !done) return done;
    if (nowhere.caught_up) position_ = start_.cursor;
  }
  return {};
}

Status JournalFeed::ReadSome(Mode mode, int64_t limit_id, WriteRequests* out, Slice& slice) {
  auto s = directory_->db().Prepare(
      "SELECT id, machine, time_ms, offset_ms, received_ms, spool, number, flags, payload"
      " FROM journal WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3");
  if (!s) return s.error();
  s->Bind(1, position_).Bind(2, limit_id).Bind(3, kMaxRows);
  size_t bytes = 0;
  const auto full = [&] {
    size_t made = 0;
    for (const Request& request : slice.requests) made += request.body.size();
    return bytes > kRowBytes || made > kRequestBytes || late_rows_ >= kLateRows;
  };
  for (int64_t rows = 0;; ++rows) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) {
      slice.caught_up = rows < kMaxRows && mode != Mode::kSkip;
      if (rows == kMaxRows || mode != Mode::kSkip) return {};
      slice.gone_rows += limit_id - position_;
      position_ = limit_id;
      return {};
    }
    Row row{s->Int(0),
            s->Int(1),
            {s->Int(2), s->Int(3), s->Int(4), s->Int(5), s->UInt(6), s->Int(7), 0},
            s->Blob(8)};
    if (mode != Mode::kLead) slice.gone_rows += row.id - position_ - 1;
    bytes += row.payload.size();
    if (auto done = Take(row, mode, mode == Mode::kTell ? out : nullptr, slice); !done) return done;
    position_ = row.id;
    if (mode == Mode::kTell) {
      if (late_rows_ == 0) out->Mark(row.id);
      if (row.id <= start_.doubtful && IsStrict()) out->Flush();
    }
    if (full()) return {};
  }
}

Status JournalFeed::Take(const Row& row, Mode mode, WriteRequests* out, Slice& slice) {
  auto message = decoder_.Decode(row.payload);
  if (!message) return {};  // damaged on disk: haidang-collector check tells
  Machine& machine = machines_[row.machine];
  machine.id = row.machine;
  for (const sparkplug::BatchView& batch : message->batches) {
    if (batch.header.number != row.tick.number) continue;
    return TakeBatch(machine, row, batch, mode, out, slice);
  }
  return {};
}

Status JournalFeed::TakeBatch(Machine& machine, const Row& row, const sparkplug::BatchView& batch,
                              Mode mode, WriteRequests* out, Slice& slice) {
  const store::TickRow& tick = row.tick;
  if (auto done = Learn(machine, row, batch); !done) return done;
  const store::AliasTable& aliases = machine.layouts.at(machine.spools.at(tick.spool)).aliases;
  const bool newest = tick.time_ms > machine.head_ms;
  if (newest) {
    std::erase_if(machine.heads, [&](const auto& head) {
      return head.first != tick.spool && head.first != machine.head_spool;
    });
    machine.heads[tick.spool].Apply(tick.spool, batch.header, batch.samples, aliases);
    machine.head_ms = tick.time_ms;
    machine.head_spool = tick.spool;
    machine.head_number = tick.number;
    if (batch.header.full) machine.full_ms = tick.time_ms;
  }
  if (mode == Mode::kSkip) slice.expired += Stated(batch, aliases);
  if (newest && tick.time_ms > machine.told.last_ms) {
    return mode == Mode::kSkip ? Status() : TellTick(machine, tick, out, slice);
  }
  if (machine.late.empty()) late_machines_.push_back(machine.id);
  machine.late.push_back(
      {tick.time_ms, tick.spool, tick.number, Stated(batch, aliases), mode == Mode::kTell});
  ++late_rows_;
  return {};
}

Status JournalFeed::TellTick(Machine& machine, const store::TickRow& row, WriteRequests* out,
                             Slice& slice) {
  auto standing = directory_->StandingOf(machine.id, row.time_ms);
  if (!standing) return standing.error();
  const bool alone = out != nullptr && row.time_ms < newest_ms_ - kFarBehindMs;
  const bool too_late = alone && options_.out_of_order.count() > 0 && !IsTaken(row.time_ms);
  if (alone) out->Flush();
  Teller teller(too_late ? nullptr : out);
  teller.Tell(machine.series, row, machine.heads[row.spool], *standing, machine.told);
  if (too_late) slice.late += teller.samples();
  if (alone) out->Flush();
  newest_ms_ = std::max(newest_ms_, machine.told.last_ms);
  return {};
}

Status JournalFeed::Learn(Machine& machine, const Row& row, const sparkplug::BatchView& batch) {
  auto layout = machine.spools.find(row.tick.spool);
  if (layout == machine.spools.end()) {
    auto spools = directory_->SpoolsOf(machine.id);
    if (!spools) return spools.error();
    machine.spools = std::move(*spools);
    // A spool that no table knows speaks a layout that nobody does.
    layout = machine.spools.emplace(row.tick.spool, 0).first;
  }
  const auto known = machine.layouts.find(layout->second);
  const bool complete =
      known != machine.layouts.end() &&
      (!known->second.complete ||
       std::all_of(batch.samples.begin(), batch.samples.end(), [&](const auto& sample) {
         return sample.alias < sparkplug::kFirstSeriesAlias ||
                known->second.aliases.Find(sample.alias) != nullptr;
       }));
  if (complete) return {};
  if (auto done = LearnLayout(machine, layout->second); !done) return done;
  // What has no meaning now never gets one: a batch is stored after the birth that explains it.
  Layout& to = machine.layouts[layout->second];
  for (const sparkplug::SampleView& sample : batch.samples) {
    if (sample.alias < sparkplug::kFirstSeriesAlias || to.aliases.Find(sample.alias) != nullptr) {
      continue;
    }
    to.complete = to.aliases.Set(sample.alias, {store::AliasEntry::kIgnored}) && to.complete;
  }
  return {};
}

Status JournalFeed::LearnLayout(Machine& machine, int64_t layout_id) {
  auto meanings = directory_->AliasesOf(layout_id);
  if (!meanings) return meanings.error();
  std::map<int64_t, uint32_t> slots;
  for (uint32_t slot = 0; slot < machine.series_rows.size(); ++slot) {
    slots.emplace(machine.series_rows[slot], slot);
  }
  Layout& layout = machine.layouts[layout_id];
  for (const Directory::Meaning& meaning : *meanings) {
    if (meaning.alias < sparkplug::kFirstSeriesAlias) continue;
    store::AliasEntry entry{store::AliasEntry::kIgnored, meaning.group, meaning.datatype};
    auto told = directory_->SeriesOf(meaning.series);
    if (!told) return told.error();
    if (*told != nullptr) {
      const auto next = static_cast<uint32_t>(machine.series.size());
      const auto [slot, fresh] = slots.emplace(meaning.series, next);
      if (fresh) {
        machine.series.push_back(*told);
        machine.series_rows.push_back(meaning.series);
      }
      entry.slot = slot->second;
    }
    layout.complete = layout.aliases.Set(meaning.alias, entry) && layout.complete;
  }
  return {};
}

uint64_t JournalFeed::Stated(const sparkplug::BatchView& batch, const store::AliasTable& aliases) {
  return static_cast<uint64_t>(
      std::count_if(batch.samples.begin(), batch.samples.end(), [&](const auto& sample) {
        const store::AliasEntry* entry = aliases.Find(sample.alias);
        return entry != nullptr && entry->slot < store::AliasEntry::kIgnored &&
               sample.value.kind != sparkplug::WireValue::Kind::kNull;
      }));
}

Status JournalFeed::EndGone(int64_t wall_ms, WriteRequests& out) {
  for (auto& [id, machine] : machines_) {
    const int64_t silent_ms = wall_ms - machine.head_ms;
    if (silent_ms > kForgetMs) machine.heads.clear();
    const int64_t interval_ms = machine.told.standing.interval_ms;
    if (silent_ms <= 2 * interval_ms || !machine.told.any()) continue;
    if (silent_ms <= (Teller::kGoneIntervals + 1) * interval_ms) {
      auto online = directory_->IsOnline(id);
      if (!online) return online.error();
      if (*online) continue;
    }
    Teller(&out).End(machine.series, machine.told);
    newest_ms_ = std::max(newest_ms_, machine.told.last_ms);
  }
  return {};
}

}  // namespace haidang::remote
