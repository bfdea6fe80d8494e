#include <algorithm>
#include <unordered_set>
#include <utility>

#include "collector/fleet.h"

// What births teach.
namespace haidang::collector {
namespace {

constexpr uint64_t kMaxNumber = uint64_t{1} << 62;
constexpr int64_t kGoneAfterMs = 24LL * 3600 * 1000;
constexpr int64_t kMinInterval = 1000, kMaxInterval = int64_t{3600} * 1000;  // milliseconds

}  // namespace

Learned Fleet::Learn(store::Store& store, Machine& machine, const sparkplug::Birth& birth,
                     int64_t wall_ms) {
  Learned learned;
  Layout* layout = LayoutOf(store, machine, birth, learned.refused);
  if (layout == nullptr) {
    // Still answered: the acknowledgement tells an agent that was rolled back that it was.
    if (Spool* spool = machine.FindSpool(birth.spool_id)) learned.held.push_back(spool);
    return learned;
  }
  learned.capped_series = AddAliases(machine, *layout, birth);
  const auto hold = [&](const sparkplug::HeldSpool& held) {
    Spool* spool = HoldSpool(machine, *layout, held, wall_ms, learned.gap_batches);
    if (spool == nullptr || held.ended_ms != 0) return spool;  // who ended it waits for no answer
    learned.held.push_back(spool);
    const uint64_t last = std::min(held.next, kMaxNumber) - 1;
    if (held.first <= last) {
      learned.waiting_batches += last - held.first + 1 - spool->committed.Count(held.first, last);
    }
    return spool;
  };
  Spool* live = nullptr;
  for (const auto& spool : machine.spools) spool->named = spool->row.spool_id == birth.spool_id;
  for (const sparkplug::HeldSpool& held : birth.held) {
    if (Spool* spool = machine.FindSpool(held.spool_id)) spool->named = true;
  }
  for (const sparkplug::HeldSpool& held : birth.held) {
    Spool* spool = hold(held);
    if (held.spool_id == birth.spool_id) live = spool;
  }
  if (live == nullptr) live = hold({birth.spool_id, 1, 1, ""});
  machine.live = live;
  ForgetSpools(machine, wall_ms, birth.held.size() < sparkplug::kMaxHeldSpools);
  machine.row.os = birth.os;
  machine.row.agent_version = birth.agent_version;
  machine.row.interval_ms = std::clamp(birth.interval_ms, kMinInterval, kMaxInterval);
  machine.row.bd_seq = birth.bd_seq;
  machine.row.live_spool = machine.live == nullptr ? 0 : machine.live->row.id;
  LearnPlace(machine, birth, wall_ms);
  if (!std::exchange(machine.registered, true)) PresenceChanged(machine);
  RowChanged(machine);
  return learned;
}

void Fleet::LearnPlace(Machine& machine, const sparkplug::Birth& birth, int64_t wall_ms) {
  if (machine.registered && machine.site == birth.site &&
      machine.machine_class == birth.machine_class) {
    return;
  }
  machine.site = birth.site;
  machine.machine_class = birth.machine_class;
  machine.info_unsaved = store::InfoRow{machine.row.id, wall_ms, birth.site, birth.machine_class};
  Queue(machine);
}

Layout* Fleet::LayoutOf(store::Store& store, Machine& machine, const sparkplug::Birth& birth,
                        std::string& why) {
  // Only a spool id that is known shows which of the agent's files speaks: where the file is new
  // (the agent was installed anew), or holds nothing of old, its aliases are its own.
  Spool* spool = machine.FindSpool(birth.spool_id);
  for (const sparkplug::HeldSpool& held : birth.held) {
    if (spool == nullptr && held.first < held.next) spool = machine.FindSpool(held.spool_id);
  }
  if (spool == nullptr) return &NewLayout(machine);
  if (auto loaded = LoadLayout(store, machine, *spool->layout); !loaded) {
    why = loaded.error().message;
    return nullptr;
  }
  if (!Contradicts(machine, *spool->layout, birth, why)) return spool->layout;
  spool->row.redefined = true;
  spool->row_unsaved = true;
  Queue(*spool);
  return nullptr;
}

bool Fleet::Contradicts(const Machine& machine, const Layout& layout, const sparkplug::Birth& birth,
                        std::string& why) const {
  for (const sparkplug::BirthSeries& series : birth.series) {
    const AliasEntry* entry = layout.aliases.Find(series.alias);
    if (entry == nullptr || entry->slot == AliasEntry::kIgnored) continue;
    const SeriesDef& def = *machine.slots[entry->slot];
    if (entry->datatype == series.datatype && def.row.series == series.series) continue;
    why = "alias " + std::to_string(series.alias) + " of one spool id meant " +
          ToString(def.row.series) + " and now means " + ToString(series.series);
    return true;
  }
  return false;
}

size_t Fleet::AddAliases(Machine& machine, Layout& layout, const sparkplug::Birth& birth) {
  const auto is_new = [&](const sparkplug::BirthSeries& series) {
    return layout.aliases.Find(series.alias) == nullptr;
  };
  const auto fresh = std::count_if(birth.series.begin(), birth.series.end(), is_new);
  if (machine.slots.size() + static_cast<size_t>(fresh) > limits_.series_per_machine) {
    Reclaim(machine, layout, birth);
  }
  const size_t slots_before = machine.slots.size();
  size_t capped = 0;
  SlotIndex known;  // filled when the first new alias comes
  for (const sparkplug::BirthSeries& series : birth.series) {
    const auto group = static_cast<uint8_t>(series.group % sparkplug::kMaxGroups);
    const AliasEntry* old = layout.aliases.Find(series.alias);
    AliasEntry entry = old != nullptr ? *old : AliasEntry{};
    const bool same_group = entry.group == group;
    entry.group = group;
    entry.datatype = series.datatype;
    if (old == nullptr || old->slot == AliasEntry::kIgnored) {
      entry.slot = SlotFor(machine, known, series);
    }
    if (entry.slot == AliasEntry::kIgnored) ++capped;
    if (old != nullptr && same_group && old->slot == entry.slot) continue;
    if (!layout.aliases.Set(series.alias, entry)) continue;
    const int64_t id = entry.slot == AliasEntry::kIgnored ? 0 : machine.slots[entry.slot]->row.id;
    unsaved_aliases_.push_back({layout.id, series.alias, id, group});
  }
  if (machine.slots.size() != slots_before) machine.SeriesChanged();
  return capped;
}

void Fleet::Reclaim(Machine& machine, Layout& layout, const sparkplug::Birth& birth) {
  std::unordered_set<uint64_t> declared;
  for (const sparkplug::BirthSeries& series : birth.series) declared.insert(series.alias);
  std::vector<const SeriesDef*> kept;
  std::vector<uint32_t> moved(machine.slots.size(), AliasEntry::kUnknown);
  layout.aliases.Move([&](uint64_t alias, const AliasEntry& entry) {
    if (!declared.contains(alias)) return AliasEntry::kUnknown;
    if (entry.slot == AliasEntry::kIgnored) return AliasEntry::kIgnored;
    uint32_t& slot = moved[entry.slot];
    if (slot == AliasEntry::kUnknown) {
      slot = static_cast<uint32_t>(kept.size());
      kept.push_back(machine.slots[entry.slot]);
    }
    return slot;
  });
  // What other layouts say of slots is read again when they speak.
  for (const auto& other : machine.layouts) {
    if (other.get() == &layout) continue;
    other->aliases = {};
    other->loaded = false;
  }
  series_count_ -= machine.slots.size() - kept.size();
  machine.slots = std::move(kept);
  machine.head.Forget();
  machine.cpu = {};
  machine.SeriesChanged();
}

uint32_t Fleet::SlotFor(Machine& machine, SlotIndex& known, const sparkplug::BirthSeries& series) {
  if (known.empty()) known = IndexSlots(machine);
  const bool room =
      machine.slots.size() < limits_.series_per_machine && series_count_ < limits_.series;
  // A series beyond the cap must not fill the table that all machines share.
  const SeriesDef* def =
      room ? series_.Intern(series.series, series.datatype, series.type, series.unit)
           : series_.Find(series.series, series.datatype);
  if (def == nullptr) return AliasEntry::kIgnored;
  const auto it = known.find(def->identity);
  if (it != known.end()) {
    machine.slots[it->second] = def;  // its datatype may be another one now
    return it->second;
  }
  if (!room) return AliasEntry::kIgnored;
  const auto slot = static_cast<uint32_t>(machine.slots.size());
  machine.slots.push_back(def);
  ++series_count_;
  known.emplace(def->identity, slot);
  return slot;
}

Layout& Fleet::NewLayout(Machine& machine) {
  machine.layouts.push_back(std::make_unique<Layout>());
  Layout& layout = *machine.layouts.back();
  layout.id = ++last_layout_;
  layout.loaded = true;
  return layout;
}

Spool* Fleet::HoldSpool(Machine& machine, Layout& layout, const sparkplug::HeldSpool& held,
                        int64_t wall_ms, uint64_t& gap_batches) {
  Spool* spool = machine.FindSpool(held.spool_id);
  if (spool == nullptr) {
    if (held.spool_id == 0) return nullptr;
    // The journal keeps nothing of it any more: it had come, and was forgotten.
    if (held.ended_ms != 0 && wall_ms - held.ended_ms > limits_.forget_spools_after_ms) {
      return nullptr;
    }
    if (machine.spools.size() >= limits_.spools_per_machine && !ForgetOldest(machine)) {
      return nullptr;
    }
    machine.spools.push_back(std::make_unique<Spool>());
    spool = machine.spools.back().get();
    spool->row = {++last_spool_, machine.row.id, held.spool_id, layout.id, wall_ms};
    spool->layout = &layout;
  }
  spool->named = true;
  spool->settled = false;
  spool->row.touched_ms = wall_ms;
  spool->row_unsaved = true;
  Queue(*spool);
  if (held.first <= 1 || held.first > kMaxNumber) return spool;
  spool->floor = {held.first - 1, held.reason.empty() ? "not_kept" : held.reason, wall_ms, wall_ms};
  if (held.ended_ms != 0) {
    spool->floor.recorded_ms = std::min(held.ended_ms, wall_ms);
    // What a copy of the machine gave beyond that will not come either, once the copy is gone.
    const bool gone = wall_ms - held.ended_ms > kGoneAfterMs;
    if (gone) spool->floor.last = std::max(spool->floor.last, spool->committed.Highest());
  }
  gap_batches += CloseBelow(*spool);
  return spool;
}

uint64_t Fleet::CloseBelow(Spool& spool) {
  const Spool::Floor& floor = spool.floor;
  if (floor.last == 0) return 0;
  return Lose(spool, {{1, floor.last}, floor.reason, floor.recorded_ms, floor.told_ms});
}

bool Fleet::ForgetOldest(Machine& machine) {
  const auto oldest =
      std::find_if(machine.spools.begin(), machine.spools.end(),
                   [](const std::unique_ptr<Spool>& s) { return !s->named && !s->queued; });
  if (oldest == machine.spools.end()) return false;
  if (machine.live == oldest->get()) machine.live = nullptr;
  forgotten_spools_.push_back((*oldest)->row.id);
  machine.spools.erase(oldest);
  return true;
}

// A spool that its agent holds no more is needed as long as the journal has batches of it: the last
// ones may have come until the first birth that does not name it.
void Fleet::ForgetSpools(Machine& machine, int64_t wall_ms, bool all_told) {
  for (const auto& spool : machine.spools) {
    if (spool->named) continue;
    if (std::exchange(spool->settled, true)) {
      // What is missing of it will never come; but for a day another machine under the same name (a
      // copied image) may still hold it.
      const uint64_t highest = spool->committed.Highest();
      const bool gone = all_told && wall_ms - spool->row.touched_ms > kGoneAfterMs;
      if (gone && highest > 0) Lose(*spool, {{1, highest}, "spool_gone", wall_ms, wall_ms});
      continue;
    }
    spool->row.touched_ms = wall_ms;
    spool->row_unsaved = true;
    Queue(*spool);
  }
  std::erase_if(machine.spools, [&](const std::unique_ptr<Spool>& spool) {
    if (spool->named || spool->queued || spool.get() == machine.live) return false;
    const bool nothing_came = spool->committed.ranges().empty();
    if (!nothing_came && wall_ms - spool->row.touched_ms <= limits_.forget_spools_after_ms) {
      return false;
    }
    forgotten_spools_.push_back(spool->row.id);
    return true;
  });
  std::erase_if(machine.layouts, [&](const std::unique_ptr<Layout>& layout) {
    const bool used = std::any_of(machine.spools.begin(), machine.spools.end(),
                                  [&](const auto& s) { return s->layout == layout.get(); });
    if (!used) forgotten_layouts_.push_back(layout->id);
    return !used;
  });
  // What is not spoken now is read again when it is: else a machine could fill the memory with
  // layouts.
  for (const auto& layout : machine.layouts) {
    const bool unsaved =
        std::any_of(unsaved_aliases_.begin(), unsaved_aliases_.end(),
                    [&](const store::AliasRow& row) { return row.layout == layout->id; });
    if (unsaved || (machine.live != nullptr && machine.live->layout == layout.get())) continue;
    layout->aliases = {};
    layout->loaded = false;
  }
}

}  // namespace haidang::collector
