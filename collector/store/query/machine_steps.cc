#include "collector/store/query/machine_steps.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "collector/store/query/number_steps.h"

namespace haidang::store {
namespace {

// A roll-up's bucket, and a batch, belong to where the machine stood when they began. A series has
// one output for each place: times apart at the same place go into one.
std::vector<size_t> OutputOfStretch(const Selected& selected, std::vector<const Place*>& places) {
  std::vector<size_t> outputs;
  for (const PlaceStretch& stretch : selected.stretches) {
    const auto same = std::find_if(places.begin(), places.end(),
                                   [&](const Place* place) { return *place == stretch.place; });
    outputs.push_back(static_cast<size_t>(same - places.begin()));
    if (same == places.end()) places.push_back(&stretch.place);
  }
  return outputs;
}

class MachineNumbers {
 public:
  MachineNumbers(const Selected& selected, const StepGrid& grid, Function function)
      : selected_(selected),
        grid_(grid),
        function_(function),
        output_of_(OutputOfStretch(selected, places_)),
        gains_(selected.labels.size()) {
    for (size_t i = 0; i < selected.labels.size() * places_.size(); ++i) {
      outputs_.emplace_back(grid, function);
    }
  }

  void Take(RollupLevel level, const RolledUp& piece) {
    std::vector<double> known;
    for (const auto& [series, rollup] : piece.numbers) {
      const auto slot = selected_.ticks.slots.find(series);
      if (slot == selected_.ticks.slots.end()) continue;
      if (function_ == Function::kRate) known = KnownMs(rollup.count, BucketMs(level));
      size_t hint = 0;
      for (size_t i = 0; i < rollup.begins_ms.size(); ++i) {
        NumberSteps* output = At(slot->second, rollup.begins_ms[i], hint);
        if (output != nullptr) output->Add(rollup, i, known.empty() ? 0 : known[i]);
      }
    }
  }

  void Take(const TickScan& window, int64_t from_ms) {
    const auto times = window.times();
    const bool gains = NumberSteps::NeedsGains(function_);
    for (uint32_t slot = 0; slot < gains_.size(); ++slot) {
      const auto values = window.Numbers(slot);
      size_t hint = 0;
      for (size_t i = 0; i < times.size(); ++i) {
        if (std::isnan(values[i])) continue;
        const Gain gain = gains ? gains_[slot].At(times[i], values[i]) : Gain{};
        if (times[i] < from_ms) continue;
        NumberSteps* output = At(slot, times[i], hint);
        if (output != nullptr) output->Add(times[i], values[i], gain);
      }
    }
  }

  Status GiveTo(Groups& groups) {
    for (size_t slot = 0; slot < selected_.labels.size(); ++slot) {
      for (size_t place = 0; place < places_.size(); ++place) {
        const std::vector<double> values = outputs_[slot * places_.size() + place].Finish();
        auto done =
            groups.Take(selected_.machine->name, *selected_.labels[slot], *places_[place], values);
        if (!done) return done;
      }
    }
    return {};
  }

 private:
  NumberSteps* At(uint32_t slot, int64_t time_ms, size_t& hint) {
    if (!grid_.Has(time_ms) || selected_.At(time_ms, hint) == nullptr) return nullptr;
    return &outputs_[slot * places_.size() + output_of_[hint]];
  }

  const Selected& selected_;
  const StepGrid& grid_;
  Function function_;
  std::vector<const Place*> places_;
  std::vector<size_t> output_of_;  // by stretch → place
  std::vector<NumberSteps> outputs_;
  std::vector<Gains> gains_;
};

class MachineHistograms {
 public:
  MachineHistograms(const Selected& selected, const StepGrid& grid)
      : selected_(selected),
        grid_(grid),
        output_of_(OutputOfStretch(selected, places_)),
        gains_(selected.labels.size()) {}

  Status Begin(Groups& groups, Budget& budget) {
    for (const Labels* labels : selected_.labels) {
      for (const Place* place : places_) {
        if (!groups.merges_histograms()) {
          own_.push_back(std::make_unique<HistogramSteps>(grid_, budget));
          outputs_.push_back(own_.back().get());
          if (auto fine = budget.Fine(); !fine) return fine;
          continue;
        }
        const auto merged = groups.MergedOf(selected_.machine->name, *labels, *place);
        if (!merged) return merged.error();
        outputs_.push_back(*merged);
      }
    }
    return {};
  }

  void Take(const RolledUp& piece) {
    for (const auto& [series, rollup] : piece.histograms) {
      const auto slot = selected_.ticks.slots.find(series);
      if (slot == selected_.ticks.slots.end()) continue;
      for (size_t i = 0; i < selected_.stretches.size(); ++i) {
        const PlaceStretch& stretch = selected_.stretches[i];
        OutputOf(slot->second, i).Add(rollup, stretch.from_ms, stretch.to_ms);
      }
    }
  }

  void Take(const TickScan& window, int64_t from_ms) {
    const auto times = window.times();
    for (uint32_t slot = 0; slot < gains_.size(); ++slot) {
      const auto values = window.Histograms(slot);
      gains_[slot].Forget();
      size_t hint = 0;
      for (size_t i = 0; i < times.size(); ++i) {
        if (values[i].empty()) continue;
        const bool asked =
            times[i] >= from_ms && grid_.Has(times[i]) && selected_.At(times[i], hint) != nullptr;
        gains_[slot].At(times[i], values[i], asked ? &OutputOf(slot, hint) : nullptr);
      }
    }
  }

  Status GiveTo(const RangeQuestion& question, Groups& groups) {
    for (size_t i = 0; i < own_.size(); ++i) {
      auto done =
          groups.Take(selected_.machine->name, *selected_.labels[i / places_.size()],
                      *places_[i % places_.size()], own_[i]->Values(question.function, question.q));
      if (!done) return done;
    }
    return {};
  }

 private:
  HistogramSteps& OutputOf(uint32_t slot, size_t stretch) {
    return *outputs_[slot * places_.size() + output_of_[stretch]];
  }

  const Selected& selected_;
  const StepGrid& grid_;
  std::vector<const Place*> places_;
  std::vector<size_t> output_of_;  // by stretch → place
  std::vector<std::unique_ptr<HistogramSteps>> own_;
  std::vector<HistogramSteps*> outputs_;
  std::vector<HistogramGains> gains_;
};

}  // namespace

Status ReadNumberSteps(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                       const StepGrid& grid, Budget& budget, Groups& groups) {
  // Values and weights of each series at each place.
  const size_t cells = 2 * grid.count() * selected.labels.size() * selected.stretches.size();
  if (auto done = budget.TakeCells(cells); !done) return done;
  MachineNumbers numbers(selected, grid, question.function);
  LevelWalk::Sinks sinks;
  sinks.rollups = [&](RollupLevel level, const RolledUp& piece) {
    numbers.Take(level, piece);
    return Status();
  };
  sinks.ticks = [&](const TickScan& window, int64_t from_ms) {
    numbers.Take(window, from_ms);
    return Status();
  };
  const int64_t lead_ms = NumberSteps::NeedsGains(question.function) ? kBridgeMs : 0;
  if (auto done = walk.Run(selected.ticks, lead_ms, sinks); !done) return done;
  auto done = numbers.GiveTo(groups);
  budget.GiveCells(cells);
  return done;
}

Status ReadHistogramSteps(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                          const StepGrid& grid, Budget& budget, Groups& groups) {
  MachineHistograms histograms(selected, grid);
  if (auto done = histograms.Begin(groups, budget); !done) return done;
  LevelWalk::Sinks sinks;
  sinks.rollups = [&](RollupLevel, const RolledUp& piece) {
    histograms.Take(piece);
    return budget.Fine();
  };
  sinks.ticks = [&](const TickScan& window, int64_t from_ms) {
    histograms.Take(window, from_ms);
    return budget.Fine();
  };
  TickQuestion ticks = selected.ticks;
  ticks.sums = question.function == Function::kAvg;
  if (auto done = walk.Run(ticks, kBridgeMs, sinks); !done) return done;
  return histograms.GiveTo(question, groups);
}

}  // namespace haidang::store
