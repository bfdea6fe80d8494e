#include <algorithm>
#include <utility>

#include "collector/fleet.h"

// The gap ledger: what was missing, and what became of it.
namespace haidang::collector {
namespace {

constexpr int64_t kBlinkMs = int64_t{120} * 1000;
constexpr uint64_t kMaxTicks = 1U << 20;

// A few batches that the network lost and their machine sent again are nothing to tell.
bool IsBlink(const store::HoleRow& row) {
  if (row.lost > 0 || !row.from_ms || !row.closed_ms) return false;
  return row.to_ms - *row.from_ms <= kBlinkMs && *row.closed_ms - row.opened_ms <= kBlinkMs;
}

}  // namespace

void Fleet::Take(Spool& spool, const Came& batch) {
  const uint64_t highest = spool.committed.Highest();
  if (batch.number > highest + 1) {
    OpenHole(spool, {highest + 1, batch.number - 1}, batch.time_ms, batch.now_ms);
  }
  Settle(spool, batch.number, batch.number);
  if (batch.number > highest) {
    spool.highest_crc = batch.crc;
    spool.highest_time_ms = batch.time_ms;
  } else {
    UpdateHoles(spool, {batch.number, batch.number}, batch.now_ms);
  }
}

uint64_t Fleet::Lose(Spool& spool, const Loss& loss) {
  const auto& [range, reason, recorded_ms, now_ms] = loss;
  const uint64_t highest = spool.committed.Highest();
  if (range.last > highest) {
    if (!ContinueLoss(spool, loss)) {
      OpenHole(spool, {highest + 1, range.last}, recorded_ms, now_ms);
    }
    spool.highest_crc.reset();
  }
  uint64_t lost = 0;
  for (const store::NumberRange& missing : spool.committed.Missing(range.first, range.last)) {
    spool.gaps.push_back({spool.row.id, missing, reason, now_ms});
    lost += missing.last - missing.first + 1;
    for (Hole& hole : spool.holes) {
      const uint64_t first = std::max(missing.first, hole.row.range.first);
      const uint64_t last = std::min(missing.last, hole.row.range.last);
      if (first > last) continue;
      hole.row.lost += last - first + 1;
      hole.row.reason = reason;
    }
  }
  if (lost == 0) return 0;
  Settle(spool, range.first, range.last);
  UpdateHoles(spool, range, now_ms);
  return lost;
}

// One batch after the other that is lost for the same reason is one entry.
bool Fleet::ContinueLoss(Spool& spool, const Loss& loss) {
  const uint64_t highest = spool.committed.Highest();
  const auto last = std::exchange(spool.last_lost, nullptr);
  if (last == nullptr || last->range.last != highest || last->reason != loss.reason) return false;
  if (loss.range.first > highest + 1) return false;
  last->range.last = loss.range.last;
  last->to_ms = std::max(last->to_ms, loss.recorded_ms);
  last->closed_ms.reset();
  spool.holes.push_back({std::move(*last), true, true});
  return true;
}

void Fleet::OpenHole(Spool& spool, store::NumberRange range, int64_t to_ms, int64_t now_ms) {
  store::HoleRow row;
  row.id = ++last_hole_;
  row.machine = spool.row.machine;
  row.spool = spool.row.id;
  row.range = range;
  row.from_ms = spool.highest_time_ms;
  row.to_ms = to_ms;
  if (row.from_ms && to_ms <= *row.from_ms) {  // one of the two times is wrong
    const Machine* machine = ByRow(spool.row.machine);
    const int64_t interval_ms = machine == nullptr ? 0 : machine->row.interval_ms;
    row.to_ms = *row.from_ms + static_cast<int64_t>(std::min(row.size(), kMaxTicks)) * interval_ms;
  }
  row.opened_ms = now_ms;
  spool.holes.push_back({std::move(row), false, true});
  Queue(spool);
}

void Fleet::UpdateHoles(Spool& spool, store::NumberRange range, int64_t now_ms) {
  std::erase_if(spool.holes, [&](Hole& hole) {
    store::HoleRow& row = hole.row;
    if (row.range.last < range.first || row.range.first > range.last) return false;
    row.recovered = spool.committed.Count(row.range.first, row.range.last) - row.lost;
    hole.changed = true;
    if (row.recovered + row.lost < row.size()) return false;
    row.closed_ms = now_ms;
    if (row.lost == row.size() && row.range.last == spool.committed.Highest()) {
      spool.last_lost = std::make_unique<store::HoleRow>(row);
    }
    if (!IsBlink(row)) {
      spool.closed_holes.push_back(std::move(row));
    } else if (hole.stored) {
      spool.removed_holes.push_back(row.id);
    }
    return true;
  });
  Queue(spool);
}

void Fleet::LoadHoles(Spool& spool, std::vector<store::HoleRow> rows) {
  spool.holes.clear();
  for (store::HoleRow& row : rows) spool.holes.push_back({std::move(row), true, false});
}

Status Fleet::FlushHoles(store::Store& store, Spool& spool) {
  for (const Hole& hole : spool.holes) {
    if (!hole.changed) continue;
    if (auto done = store.Put(hole.row); !done) return done;
  }
  for (const store::HoleRow& row : spool.closed_holes) {
    if (auto done = store.Put(row); !done) return done;
  }
  for (const int64_t id : spool.removed_holes) {
    if (auto done = store.RemoveHole(id); !done) return done;
  }
  return {};
}

}  // namespace haidang::collector
