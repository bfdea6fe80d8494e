#include "collector/store/query/last_before.h"

#include <algorithm>
#include <cmath>

#include "collector/store/query/step_grid.h"
#include "collector/store/window.h"

namespace haidang::store {
namespace {

constexpr int64_t kFiveMinutesMs = 5 * 60 * 1000;
constexpr int64_t kHourMs = 3600 * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kPieceMs = 32 * kDayMs;

}  // namespace

Status LastBefore::Read(const Selected& selected, std::vector<query::Column>& columns) {
  std::vector<Found> found(selected.labels.size());
  const int64_t oldest = selected.ticks.from_ms;
  const int64_t end = selected.ticks.to_ms;  // exclusive
  const auto all = [&] {
    return std::all_of(found.begin(), found.end(),
                       [](const Found& f) { return f.place != nullptr; });
  };
  // The stretch from the window of the newest batch on, the rest of a day, then months.
  const Reading batches{Source::kBatches, 0};
  int64_t to = end;
  for (int64_t from : {WindowOf(end - 1), StepGrid::Floor(end - 1 - kDayMs, kHourMs)}) {
    from = std::max(from, oldest);
    if (to <= from || all()) continue;
    if (auto done = Look(selected, from, to, batches, found); !done) return done;
    to = from;
  }
  // Where batches went for their age roll-ups tell that day too: their buckets that ended by then.
  const int64_t day = StepGrid::Floor(std::max(to, oldest), kHourMs);
  for (const Reading& reading :
       {Reading{Source::kFiveMinutes, kFiveMinutesMs}, Reading{Source::kHour, kHourMs}}) {
    const int64_t ended = StepGrid::Floor(end, reading.step_ms);
    if (ended <= day || all()) continue;
    if (auto done = Look(selected, day, ended, reading, found); !done) return done;
  }
  while (to > oldest && !all()) {
    const int64_t from = std::max(to - kPieceMs, StepGrid::Floor(oldest, kHourMs));
    if (auto done = Look(selected, from, to, {Source::kAuto, kHourMs}, found); !done) return done;
    to = from;
  }
  for (size_t slot = 0; slot < found.size(); ++slot) {
    if (found[slot].place == nullptr) continue;
    if (auto done = budget_.Columns(1); !done) return done;
    columns.push_back({selected.machine->name,
                       {question_.metric, WithPlace(*selected.labels[slot], *found[slot].place)},
                       {found[slot].time_ms},
                       {found[slot].value}});
  }
  return {};
}

// Fills what is not found yet with the last value in [from_ms, to_ms).
Status LastBefore::Look(const Selected& selected, int64_t from_ms, int64_t to_ms,
                        const Reading& reading, std::vector<Found>& found) {
  TickQuestion ticks = selected.ticks;
  ticks.from_ms = from_ms;
  ticks.to_ms = to_ms;
  std::erase_if(ticks.slots,
                [&](const auto& series) { return found[series.second].place != nullptr; });
  std::vector<Found> now(found.size());
  size_t hint = 0;
  const auto see = [&](uint32_t slot, int64_t time_ms, double value) {
    if (std::isnan(value) || time_ms < now[slot].time_ms) return;
    const PlaceStretch* stretch = selected.At(time_ms, hint);
    if (stretch != nullptr) now[slot] = {time_ms, value, &stretch->place};
  };
  LevelWalk walk(db_, rollups_, budget_, reading.source, reading.step_ms);
  LevelWalk::Sinks sinks;
  sinks.rollups = [&](RollupLevel, const RolledUp& piece) {
    for (const auto& [series, rollup] : piece.numbers) {
      const auto slot = ticks.slots.find(series);
      if (slot == ticks.slots.end()) continue;
      for (size_t i = 0; i < rollup.begins_ms.size(); ++i) {
        see(slot->second, rollup.begins_ms[i], rollup.last[i]);
      }
    }
    return Status();
  };
  sinks.ticks = [&](const TickScan& window, int64_t) {
    for (const auto& [series, slot] : ticks.slots) {
      const auto values = window.Numbers(slot);
      for (size_t i = values.size(); i > 0; --i) {
        if (std::isnan(values[i - 1])) continue;
        see(slot, window.times()[i - 1], values[i - 1]);
        if (now[slot].place != nullptr && now[slot].time_ms == window.times()[i - 1]) break;
      }
    }
    return Status();
  };
  if (auto done = walk.Run(ticks, 0, sinks); !done) return done;
  used_.insert(walk.used().begin(), walk.used().end());
  for (size_t slot = 0; slot < found.size(); ++slot) {
    if (found[slot].place == nullptr) found[slot] = now[slot];
  }
  return {};
}

}  // namespace haidang::store
