#include "agent/recorder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "agent/test_ledger.h"
#include "core/catalogue.h"
#include "core/ledger.h"
#include "core/log.h"

namespace haidang::agent {
namespace {

// Ticks come some milliseconds early or late: a full batch does not wait for the next one because
// of that.
constexpr int64_t kEarlyMs = 500;

// NaN equals NaN: what stays unknown did not change.
bool Same(const Value& a, const Value& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  if (std::isnan(*x) || std::isnan(*y)) return std::isnan(*x) && std::isnan(*y);
  return *x == *y && std::signbit(*x) == std::signbit(*y);
}

bool IsNull(const Value& value) { return std::holds_alternative<Null>(value); }

// Nothing for Null, which fits every datatype.
std::optional<DataType> DataTypeOf(const Value& value) {
  struct Visitor {
    std::optional<DataType> operator()(Null) const { return std::nullopt; }
    std::optional<DataType> operator()(int64_t) const { return DataType::kInt64; }
    std::optional<DataType> operator()(uint64_t) const { return DataType::kUInt64; }
    std::optional<DataType> operator()(double) const { return DataType::kDouble; }
    std::optional<DataType> operator()(bool) const { return DataType::kBoolean; }
    std::optional<DataType> operator()(const std::string&) const { return DataType::kString; }
    std::optional<DataType> operator()(const Bytes&) const { return DataType::kBytes; }
  };
  return std::visit(Visitor{}, value);
}

sparkplug::BirthSeries Declare(const SeriesId& series, uint64_t alias, DataType datatype,
                               uint32_t group) {
  sparkplug::BirthSeries declared;
  declared.series = series;
  declared.alias = alias;
  declared.datatype = datatype;
  declared.group = group;
  declared.type = TypeOfMetric(series.metric, datatype);
  if (const MetricInfo* info = FindMetric(series.metric)) declared.unit = info->unit;
  return declared;
}

}  // namespace

Recorder::Recorder(Spool& spool, const Clock& clock, RecorderOptions options)
    : spool_(spool), options_(options), unnamed_(clock) {
  LoadKnown();
}

// What the file knows: its batches may still wait, so births declare it.
void Recorder::LoadKnown() {
  entries_.clear();
  groups_.clear();
  retired_.clear();
  spool_id_ = spool_.id();
  recorded_ = false;
  full_requested_ = true;
  ++generation_;
  const Result<std::vector<KnownSeries>> known = spool_.Series();
  if (!known) {
    spdlog::error("{}; its series are declared anew", known.error().message);
    return;
  }
  for (const KnownSeries& series : *known) {
    Entry entry;
    entry.alias = series.alias;
    entry.datatype = series.datatype;
    entry.group = series.group;
    entry.last_rowid = std::numeric_limits<int64_t>::max();  // unknown which batches use it
    const auto [at, fresh] = entries_.emplace(series.series, entry);
    if (fresh) continue;
    // Another datatype of the same series; the younger alias takes its place.
    const Entry& old = at->second;
    retired_.emplace(old.alias, Declare(at->first, old.alias, old.datatype, old.group));
    at->second = entry;
  }
}

Result<StoredBatch> Recorder::Record(Tick&& tick, sparkplug::AgentState state) {
  if (replaced()) LoadKnown();  // another file, or another life of this one
  ++ordinal_;
  read_ = 0;
  const bool full = full_requested_ || tick.since_boot_ms >= next_full_ms_ || spool_.wants_full();
  sparkplug::Batch batch;
  batch.header.boot_id = options_.boot_id;
  batch.header.since_boot_ms = tick.since_boot_ms;
  batch.header.wall_ms = tick.wall_ms;
  batch.header.full = full;
  batch.header.state = state;
  batch.events = std::move(tick.events);
  for (GroupReading& reading : tick.groups) RecordGroup(std::move(reading), full, batch);
  StateAbsent(batch);
  if (!tick.groups.empty()) TellUnnamed();  // the tick of a stop reads nothing

  // Aliases of one file mean nothing in another.
  Result<StoredBatch> stored =
      replaced() ? Result<StoredBatch>(Error{"the spool was replaced while a tick was recorded"})
                 : Append(std::move(batch));
  if (!stored) {
    for (auto& [series, entry] : entries_) entry.stated = false;
    full_requested_ = true;
    return stored;
  }
  for (auto& [series, entry] : entries_) {
    if (entry.tick == ordinal_ || entry.last_rowid == 0) entry.last_rowid = stored->rowid;
  }
  recorded_ = true;
  if (full) {
    full_requested_ = false;
    next_full_ms_ =
        tick.since_boot_ms - kEarlyMs +
        std::chrono::duration_cast<std::chrono::milliseconds>(options_.full_every).count();
  }
  return stored;
}

Result<StoredBatch> Recorder::Append(sparkplug::Batch&& batch) {
  TestLedger* const ledger = options_.ledger;
  if (ledger == nullptr) return spool_.Append(std::move(batch));
  ledger->Intend(spool_.id(), spool_.next_number(), LedgerLines(batch));
  Result<StoredBatch> stored = spool_.Append(std::move(batch));
  stored ? ledger->Stored() : ledger->Refused();
  return stored;
}

std::string Recorder::LedgerLines(const sparkplug::Batch& batch) const {
  std::unordered_map<uint64_t, const SeriesId*> series;
  for (const auto& [id, entry] : entries_) series[entry.alias] = &id;
  for (const auto& [alias, declared] : retired_) series[alias] = &declared.series;
  std::string lines;
  for (const auto& [alias, value] : batch.samples) {
    lines += LedgerLine(options_.ledger->machine(), *series.at(alias), batch.header.wall_ms, value);
    lines += '\n';
  }
  return lines;
}

void Recorder::NoteUnnamed(const std::string& what, const Error& why) {
  met_unnamed_ = true;
  if (unnamed_.Met()) spdlog::warn("{} is left out, like all that is new: {}", what, why.message);
}

// At the end of each tick that read something.
void Recorder::TellUnnamed() {
  if (std::exchange(met_unnamed_, false)) return;
  if (const auto count = unnamed_.Over()) {
    spdlog::info("nothing is left out any more; it was {} times", *count);
  }
}

Recorder::Group* Recorder::FindGroup(const std::string& name) {
  const auto known = groups_.find(name);
  if (known != groups_.end()) return &known->second;
  if (replaced()) return nullptr;
  const Result<uint32_t> bit = spool_.GroupOf(name);
  if (!bit) {
    NoteUnnamed("source " + name, bit.error());
    full_requested_ = true;
    return nullptr;
  }
  ++generation_;
  Group& group = groups_[name];
  group.bit = *bit;
  return &group;
}

void Recorder::RecordGroup(GroupReading&& reading, bool full, sparkplug::Batch& batch) {
  Group* group = FindGroup(reading.group);
  if (group == nullptr) return;
  const bool resumed = group->read + 1 != ordinal_;
  group->present = ordinal_;
  if (!reading.ok) return;
  group->read = ordinal_;
  batch.header.groups |= uint64_t{1} << group->bit;
  for (size_t i = 0; i < reading.readings.size(); ++i) {
    Reading& one = reading.readings[i];
    Entry* entry = FindEntry(one, *group, i);
    if (entry == nullptr || entry->tick == ordinal_) continue;  // refused, or read twice
    if (!FitDatatype(one.series, *entry, one.value, batch)) continue;
    entry->tick = ordinal_;
    entry->group = group->bit;
    if (!IsNull(one.value)) ++read_;
    const bool state = !entry->stated || !Same(entry->value, one.value) ||
                       ((full || resumed) && !IsNull(one.value));
    if (!state) continue;
    entry->value = std::move(one.value);
    entry->stated = true;
    batch.samples.emplace_back(entry->alias, entry->value);
  }
}

// `position` in its source's last order is where it stands most of the time.
Recorder::Entry* Recorder::FindEntry(const Reading& reading, Group& group, size_t position) {
  auto& order = group.order;
  if (position < order.size() && order[position]->first == reading.series) {
    return &order[position]->second;
  }
  auto known = entries_.find(reading.series);
  if (known == entries_.end()) return Introduce(reading, group, position);
  Remember(group, position, known);
  return &known->second;
}

Recorder::Entry* Recorder::Introduce(const Reading& reading, Group& group, size_t position) {
  std::optional<DataType> datatype = DataTypeOf(reading.value);
  if (!datatype) {
    // Declared before it has a value, so that its first one needs no birth of its own.
    const MetricInfo* info = FindMetric(reading.series.metric);
    if (info == nullptr) return nullptr;  // nothing is known of it yet, not even its datatype
    datatype = info->datatype;
  }
  if (entries_.size() >= options_.max_series) MakeRoom();
  if (entries_.size() >= options_.max_series) {
    ++refused_;
    if (!std::exchange(cap_told_, true)) {
      spdlog::warn("more than {} series on this machine: {} and other new ones are left out",
                   options_.max_series, ToString(reading.series));
    }
    return nullptr;
  }
  if (replaced()) return nullptr;
  const Result<uint64_t> alias = spool_.AliasOf(reading.series, *datatype, group.bit);
  if (!alias) {
    NoteUnnamed(ToString(reading.series), alias.error());
    return nullptr;
  }
  Entry entry;
  entry.alias = *alias;
  entry.datatype = *datatype;
  ++generation_;
  const auto at = entries_.emplace(reading.series, entry).first;
  Remember(group, position, at);
  return &at->second;
}

void Recorder::Remember(Group& group, size_t position, Entries::iterator entry) {
  if (position < group.order.size()) {
    group.order[position] = entry;
  } else if (position == group.order.size()) {
    group.order.push_back(entry);
  }
}

// An alias has one datatype for ever: a source that changes its mind gets another alias.
bool Recorder::FitDatatype(const SeriesId& series, Entry& entry, const Value& value,
                           sparkplug::Batch& batch) {
  const std::optional<DataType> datatype = DataTypeOf(value);
  if (!datatype || *datatype == entry.datatype) return true;
  if (replaced()) return false;
  const Result<uint64_t> alias = spool_.AliasOf(series, *datatype, entry.group);
  if (!alias) {
    NoteUnnamed(ToString(series), alias.error());
    return false;
  }
  retired_.erase(*alias);
  retired_.emplace(entry.alias, Declare(series, entry.alias, entry.datatype, entry.group));
  batch.samples.emplace_back(entry.alias, Null{});
  entry.alias = *alias;
  entry.datatype = *datatype;
  entry.stated = false;
  ++generation_;
  return true;
}

// What a group that is here did not read, because it failed or because the thing is gone.
void Recorder::StateAbsent(sparkplug::Batch& batch) {
  uint64_t present = 0;
  for (const auto& [name, group] : groups_) {
    if (group.present == ordinal_) present |= uint64_t{1} << group.bit;
  }
  for (auto& [series, entry] : entries_) {
    const bool here = (present >> entry.group & 1) != 0;
    if (!here || entry.tick == ordinal_ || (entry.stated && IsNull(entry.value))) continue;
    entry.value = Null{};
    entry.stated = true;
    entry.last_rowid = 0;  // this batch
    batch.samples.emplace_back(entry.alias, Null{});
  }
}

// Forgets series that are gone. Batches that use them and that the collector has are kept no more.
void Recorder::MakeRoom() {
  if (std::exchange(room_made_, ordinal_) == ordinal_) return;
  const auto gone = [&](const Entry& entry) {
    return entry.tick + 1 < ordinal_ && entry.stated && IsNull(entry.value);
  };
  const bool any = std::any_of(entries_.begin(), entries_.end(),
                               [&](const auto& entry) { return gone(entry.second); });
  if (!any || replaced() || !spool_.GiveUpKept() || replaced()) return;
  const int64_t oldest = spool_.oldest_rowid().value_or(std::numeric_limits<int64_t>::max());
  for (auto at = entries_.begin(); at != entries_.end();) {
    const Entry& entry = at->second;
    if (!gone(entry) || entry.last_rowid >= oldest || replaced() || !spool_.Forget(entry.alias)) {
      ++at;
      continue;
    }
    for (auto& [name, group] : groups_) group.order.clear();
    at = entries_.erase(at);
  }
}

Result<sparkplug::Birth> Recorder::MakeBirth(int64_t now_ms) const {
  Result<std::vector<sparkplug::HeldSpool>> held = spool_.Held();
  if (!held) return held.error();
  if (replaced()) return Error{"the spool was replaced and nothing is recorded in the new one yet"};
  sparkplug::Birth birth;
  birth.timestamp_ms = now_ms;
  birth.spool_id = spool_.id();
  birth.held = std::move(held).value();
  birth.groups = spool_.Groups();
  birth.boot_id = options_.boot_id;
  birth.series.reserve(entries_.size() + retired_.size());
  for (const auto& [series, entry] : entries_) {
    birth.series.push_back(Declare(series, entry.alias, entry.datatype, entry.group));
    birth.series.back().value = entry.value;
  }
  for (const auto& [alias, declared] : retired_) birth.series.push_back(declared);
  return birth;
}

}  // namespace haidang::agent
