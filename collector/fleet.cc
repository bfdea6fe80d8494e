#include "collector/fleet.h"

#include <algorithm>
#include <map>
#include <utility>

namespace haidang::collector {

Result<std::unique_ptr<Fleet>> Fleet::Load(store::Store& store, store::Contents contents,
                                           const Limits& limits) {
  std::unique_ptr<Fleet> fleet(new Fleet(limits));
  fleet->series_ = SeriesTable(std::move(contents.series));
  fleet->last_layout_ = contents.last_layout;
  fleet->last_hole_ = contents.last_hole_id;
  for (store::MachineRow& row : contents.machines) {
    auto machine = std::make_unique<Machine>();
    machine->row = std::move(row);
    machine->registered = true;
    fleet->last_machine_ = std::max(fleet->last_machine_, machine->row.id);
    fleet->by_name_.emplace(machine->row.name, machine.get());
    fleet->by_row_.emplace(machine->row.id, machine.get());
    fleet->machines_.push_back(std::move(machine));
  }
  if (auto done = fleet->LoadSpools(contents); !done) return done.error();
  fleet->LoadStates(contents);
  for (const auto& machine : fleet->machines_) {
    if (machine->live == nullptr) continue;
    auto done = fleet->LoadLayout(store, *machine, *machine->live->layout);
    if (!done) return done.error();
  }
  return fleet;
}

Status Fleet::LoadSpools(store::Contents& contents) {
  std::unordered_map<int64_t, Spool*> by_row;
  for (const store::SpoolRow& row : contents.spools) {
    const auto owner = by_row_.find(row.machine);
    if (owner == by_row_.end()) continue;
    Machine& machine = *owner->second;
    last_spool_ = std::max(last_spool_, row.id);
    auto spool = std::make_unique<Spool>();
    spool->row = row;
    spool->layout = machine.FindLayout(row.layout);
    if (spool->layout == nullptr) {
      machine.layouts.push_back(std::make_unique<Layout>());
      spool->layout = machine.layouts.back().get();
      spool->layout->id = row.layout;
    }
    if (row.id == machine.row.live_spool) machine.live = spool.get();
    by_row.emplace(row.id, spool.get());
    machine.spools.push_back(std::move(spool));
  }
  for (const auto& [id, ranges] : contents.committed) {
    const auto spool = by_row.find(id);
    if (spool != by_row.end()) LoadCommitted(*spool->second, ranges);
  }
  for (store::HoleRow& hole : contents.open_holes) {
    const auto spool = by_row.find(hole.spool);
    if (spool != by_row.end()) spool->second->holes.push_back({std::move(hole), true, false});
  }
  return {};
}

void Fleet::LoadStates(const store::Contents& contents) {
  for (const store::PresenceRow& row : contents.presence) {
    const auto it = by_row_.find(row.machine);
    if (it != by_row_.end()) it->second->presence = Presence(row.state, row.since_ms, 0);
  }
  std::map<int64_t, std::vector<MachineClock::Boot>> boots;
  for (const store::BootRow& row : contents.boots) {
    boots[row.machine].push_back({row.boot_id, row.started_ms, row.measured, row.seen_ms});
  }
  for (auto& [machine, known] : boots) {
    const auto it = by_row_.find(machine);
    if (it != by_row_.end()) it->second->clock.Load(std::move(known));
  }
  for (const store::InfoRow& row : contents.info) {
    const auto it = by_row_.find(row.machine);
    if (it == by_row_.end()) continue;
    it->second->site = row.site;
    it->second->machine_class = row.machine_class;
  }
}

Fleet::SlotIndex Fleet::IndexSlots(const Machine& machine) {
  SlotIndex index;
  for (uint32_t i = 0; i < machine.slots.size(); ++i) index.emplace(machine.slots[i]->identity, i);
  return index;
}

Status Fleet::LoadLayout(store::Store& store, Machine& machine, Layout& layout) {
  if (layout.loaded) return {};
  auto rows = store.Aliases(layout.id);
  if (!rows) return rows.error();
  SlotIndex known = IndexSlots(machine);
  for (const store::AliasRow& row : *rows) {
    if (row.alias < sparkplug::kFirstSeriesAlias) continue;
    AliasEntry entry{AliasEntry::kIgnored, static_cast<uint8_t>(row.group & 63), DataType::kDouble};
    if (const SeriesDef* def = series_.ById(row.series)) {
      auto it = known.find(def->identity);
      if (it == known.end() && machine.slots.size() < limits_.series_per_machine) {
        it = known.emplace(def->identity, static_cast<uint32_t>(machine.slots.size())).first;
        machine.slots.push_back(def);
        ++series_count_;
      }
      if (it != known.end()) entry.slot = it->second;
      entry.datatype = def->row.datatype;
    }
    layout.aliases.Set(row.alias, entry);
  }
  layout.loaded = true;
  machine.SeriesChanged();
  return {};
}

Machine* Fleet::Find(std::string_view name) {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

Machine* Fleet::ByRow(int64_t id) {
  const auto it = by_row_.find(id);
  return it == by_row_.end() ? nullptr : it->second;
}

Machine* Fleet::FindOrAdd(std::string_view name) {
  if (Machine* machine = Find(name)) return machine;
  if (machines_.size() >= limits_.machines) return nullptr;
  auto machine = std::make_unique<Machine>();
  machine->row.id = ++last_machine_;
  machine->row.name = name;
  by_name_.emplace(machine->row.name, machine.get());
  by_row_.emplace(machine->row.id, machine.get());
  machines_.push_back(std::move(machine));
  return machines_.back().get();
}

Result<const AliasTable*> Fleet::AliasesOf(store::Store& store, Machine& machine, Spool& spool) {
  if (auto done = LoadLayout(store, machine, *spool.layout); !done) return done.error();
  return &spool.layout->aliases;
}

void Fleet::LoadCommitted(Spool& spool, const std::vector<store::CommittedRow>& rows) {
  std::vector<store::NumberRange> ranges;
  ranges.reserve(rows.size());
  for (const store::CommittedRow& row : rows) ranges.push_back(row.range);
  spool.committed = store::RangeSet(std::move(ranges));
  spool.highest_crc.reset();
  spool.highest_time_ms.reset();
  for (const store::CommittedRow& row : rows) {
    if (row.range.last == spool.committed.Highest()) spool.highest_crc = row.last_crc;
  }
}

void Fleet::Settle(Spool& spool, uint64_t first, uint64_t last) {
  store::RangeSet::Change change = spool.committed.Add(first, last);
  if (spool.changed_ranges.empty() || spool.changed_ranges.back() != change.start) {
    spool.changed_ranges.push_back(change.start);
  }
  spool.removed_ranges.insert(spool.removed_ranges.end(), change.removed.begin(),
                              change.removed.end());
  Queue(spool);
}

void Fleet::ClockChanged(Machine& machine, uint64_t boot_id) {
  const MachineClock::Boot* boot = machine.clock.Find(boot_id);
  if (boot == nullptr || !machine.registered) return;
  machine.boot_unsaved = {machine.row.id, boot_id, boot->started_ms, boot->measured, boot->seen_ms};
  Queue(machine);
}

void Fleet::PresenceChanged(Machine& machine) {
  if (!machine.registered) return;
  machine.presence_unsaved = true;
  Queue(machine);
}

void Fleet::RowChanged(Machine& machine) {
  machine.row_unsaved = true;
  Queue(machine);
}

void Fleet::Queue(Machine& machine) {
  if (std::exchange(machine.queued, true)) return;
  unsaved_machines_.push_back(&machine);
}

void Fleet::Queue(Spool& spool) {
  if (std::exchange(spool.queued, true)) return;
  unsaved_spools_.push_back(&spool);
}

bool Fleet::unsaved() const {
  return !unsaved_machines_.empty() || !unsaved_spools_.empty() || !unsaved_aliases_.empty();
}

Status Fleet::Flush(store::Store& store) {
  for (const SeriesDef* def : series_.Unsaved()) {
    if (auto done = store.Put(def->row); !done) return done;
  }
  for (Machine* machine : unsaved_machines_) {
    if (auto done = FlushMachine(store, *machine); !done) return done;
  }
  for (const store::AliasRow& row : unsaved_aliases_) {
    if (auto done = store.Put(row); !done) return done;
  }
  for (Spool* spool : unsaved_spools_) {
    if (auto done = FlushSpool(store, *spool); !done) return done;
  }
  for (const int64_t spool : forgotten_spools_) {
    if (auto done = store.ForgetSpool(spool); !done) return done;
  }
  for (const int64_t layout : forgotten_layouts_) {
    if (auto done = store.ForgetLayout(layout); !done) return done;
  }
  return {};
}

Status Fleet::FlushMachine(store::Store& store, Machine& machine) {
  if (machine.row_unsaved) {
    if (auto done = store.Put(machine.row); !done) return done;
  }
  if (machine.presence_unsaved) {
    const Presence& presence = machine.presence;
    auto done =
        store.Put(store::PresenceRow{machine.row.id, presence.state(), presence.since_ms()});
    if (!done) return done;
  }
  if (machine.boot_unsaved) {
    if (auto done = store.Put(*machine.boot_unsaved); !done) return done;
  }
  if (machine.info_unsaved) return store.Put(*machine.info_unsaved);
  return {};
}

Status Fleet::FlushSpool(store::Store& store, Spool& spool) {
  if (spool.row_unsaved) {
    if (auto done = store.Put(spool.row); !done) return done;
  }
  for (const uint64_t start : spool.removed_ranges) {
    if (auto done = store.RemoveRange(spool.row.id, start); !done) return done;
  }
  for (const uint64_t start : spool.changed_ranges) {
    const store::NumberRange* range = spool.committed.StartingAt(start);
    if (range == nullptr) continue;  // swallowed by another one since
    store::CommittedRow row{*range, {}};
    if (range->last == spool.committed.Highest()) row.last_crc = spool.highest_crc;
    if (auto done = store.PutRange(spool.row.id, row); !done) return done;
  }
  for (const store::GapRow& gap : spool.gaps) {
    if (auto done = store.Put(gap); !done) return done;
  }
  return FlushHoles(store, spool);
}

void Fleet::Saved() {
  series_.Saved();
  for (Machine* machine : unsaved_machines_) {
    machine->queued = machine->row_unsaved = machine->presence_unsaved = false;
    machine->info_unsaved.reset();
    machine->boot_unsaved.reset();
  }
  for (Spool* spool : unsaved_spools_) {
    spool->queued = spool->row_unsaved = false;
    spool->changed_ranges.clear();
    spool->removed_ranges.clear();
    spool->gaps.clear();
    spool->closed_holes.clear();
    spool->removed_holes.clear();
    for (Hole& hole : spool->holes) {
      hole.stored = true;
      hole.changed = false;
    }
  }
  unsaved_machines_.clear();
  unsaved_spools_.clear();
  unsaved_aliases_.clear();
  forgotten_spools_.clear();
  forgotten_layouts_.clear();
}

std::vector<Machine*> Fleet::Lost(store::Store& store) {
  std::vector<Machine*> touched;
  std::vector<Spool*> still_unsaved, lost;
  for (Spool* spool : unsaved_spools_) {
    const auto owner = by_row_.find(spool->row.machine);
    if (owner != by_row_.end()) touched.push_back(owner->second);
    // Where even reading fails, nothing of it counts as stored: it will all be offered again.
    auto ranges = store.Ranges(spool->row.id);
    LoadCommitted(*spool, ranges ? *ranges : std::vector<store::CommittedRow>());
    auto holes = store.OpenHoles(spool->row.id);
    LoadHoles(*spool, holes ? std::move(*holes) : std::vector<store::HoleRow>());
    spool->last_lost.reset();
    spool->changed_ranges.clear();
    spool->removed_ranges.clear();
    spool->gaps.clear();
    spool->closed_holes.clear();
    spool->removed_holes.clear();
    spool->queued = spool->row_unsaved;
    if (spool->queued) still_unsaved.push_back(spool);
    lost.push_back(spool);
  }
  unsaved_spools_ = std::move(still_unsaved);
  // What was closed as a gap stays closed, whatever else of that transaction comes again.
  for (Spool* spool : lost) CloseBelow(*spool);
  return touched;
}

}  // namespace haidang::collector
