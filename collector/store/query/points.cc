#include "collector/store/query/points.h"

#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "collector/store/query/step_grid.h"

namespace haidang::store {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// The points of one machine, by slot and where it stood.
class MachinePoints {
 public:
  MachinePoints(const Selected& selected, const RangeQuestion& question, Budget& budget)
      : selected_(selected), question_(question), budget_(budget), slots_(selected.labels.size()) {}

  Status Take(const TickScan& window) {
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      if (auto done = Take(window.times(), window.Numbers(i), slots_[i]); !done) return done;
    }
    last_ms_ = window.times().back();
    size_t size = 0;
    for (const Slot& slot : slots_) {
      for (const auto& [place, points] : slot.by_place) size += points.size();
    }
    return budget_.Points(size - std::exchange(size_, size));
  }

  void MoveTo(std::vector<query::Column>& columns) {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      for (auto& [place, points] : slots_[slot].by_place) {
        if (points.empty()) continue;
        query::Column& column = columns.emplace_back();
        column.machine = selected_.machine->name;
        column.series.metric = question_.metric;
        column.series.labels =
            question_.places ? WithPlace(*selected_.labels[slot], *place) : *selected_.labels[slot];
        points.MoveTo(column);
      }
    }
  }

 private:
  struct LessPlace {
    bool operator()(const Place* a, const Place* b) const {
      return std::tie(a->site, a->site_name, a->machine_class) <
             std::tie(b->site, b->site_name, b->machine_class);
    }
  };
  struct Slot {
    std::map<const Place*, PointColumn, LessPlace> by_place;
    const PlaceStretch* stretch = nullptr;  // of the newest batch
    PointColumn* column = nullptr;          // of that place
  };

  Status Take(std::span<const int64_t> times, std::span<const double> values, Slot& slot) {
    const int64_t interval_ms = selected_.machine->interval_ms;
    size_t hint = 0;
    std::optional<int64_t> last_ms = last_ms_;
    for (size_t i = 0; i < times.size(); ++i) {
      const bool gap = last_ms && times[i] - *last_ms > 3 * interval_ms;
      if (gap && slot.column != nullptr) slot.column->Put(*last_ms + interval_ms, kUnknown);
      if (const PlaceStretch* now = selected_.At(times[i], hint); now != slot.stretch) {
        if (slot.column != nullptr) slot.column->Put(times[i], kUnknown);  // it is elsewhere now
        if (auto done = Move(slot, now); !done) return done;
      }
      if (slot.column != nullptr) slot.column->Put(times[i], values[i]);
      last_ms = times[i];
    }
    return {};
  }

  Status Move(Slot& slot, const PlaceStretch* to) {
    slot.stretch = to;
    slot.column = nullptr;
    if (to == nullptr) return {};
    const auto [at, fresh] = slot.by_place.try_emplace(&to->place, question_.thin_ms);
    slot.column = &at->second;
    return budget_.Columns(fresh ? 1 : 0);
  }

  const Selected& selected_;
  const RangeQuestion& question_;
  Budget& budget_;
  std::vector<Slot> slots_;
  std::optional<int64_t> last_ms_;  // of the newest batch
  size_t size_ = 0;                 // points so far
};

}  // namespace

void PointColumn::Put(int64_t time_ms, double value) {
  if (std::isnan(value) && (empty() || std::isnan(values_.back()))) return;
  if (!empty() && thin_ms_ &&
      StepGrid::Floor(times_ms_.back(), *thin_ms_) == StepGrid::Floor(time_ms, *thin_ms_)) {
    if (std::isnan(value)) return;  // the stretch has a last value
    times_ms_.back() = time_ms;
    values_.back() = value;
    return;
  }
  times_ms_.push_back(time_ms);
  values_.push_back(value);
}

void PointColumn::MoveTo(query::Column& column) {
  column.times_ms = std::move(times_ms_);
  column.values = std::move(values_);
}

Status ReadPoints(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                  Budget& budget, std::vector<query::Column>& columns) {
  MachinePoints points(selected, question, budget);
  LevelWalk::Sinks sinks;
  sinks.rollups = [](RollupLevel, const RolledUp&) { return Status(); };
  sinks.ticks = [&](const TickScan& window, int64_t) { return points.Take(window); };
  if (auto done = walk.Run(selected.ticks, 0, sinks); !done) return done;
  points.MoveTo(columns);
  return {};
}

}  // namespace haidang::store
