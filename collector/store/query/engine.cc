#include "collector/store/query/engine.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "collector/store/query/groups.h"
#include "collector/store/query/last_before.h"
#include "collector/store/query/machine_steps.h"
#include "collector/store/query/number_steps.h"
#include "collector/store/query/points.h"
#include "collector/store/query/step_grid.h"
#include "core/catalogue.h"

namespace haidang::store {
namespace {

// What cannot be answered whatever is stored; "" where it can.
std::string FaultOf(const RangeQuestion& question, const QueryBounds& bounds) {
  if (question.to_ms < question.from_ms) return "to is before from";
  if (question.to_ms - question.from_ms > kMaxQueryRangeMs) {
    return "from is more than a hundred years before to";
  }
  if (!question.step_ms) {
    if (question.function != Function::kLast) {
      return std::string(ToString(question.function)) + " is told of steps; give a step";
    }
    if (question.combine != Combine::kNone) return "series are combined step by step; give a step";
    if (question.source != Source::kAuto && question.source != Source::kBatches) {
      return "roll-ups are told in steps; give a step";
    }
    return "";
  }
  const int64_t step = *question.step_ms;
  if (step <= 0 || step > kMaxQueryRangeMs)
    return "step must be above 0 and at most a hundred years";
  if (static_cast<uint64_t>((question.to_ms - question.from_ms) / step) >= bounds.points) {
    return "more than " + std::to_string(bounds.points) +
           " steps; ask for less time or a larger step";
  }
  if (question.function == Function::kQuantile && !(question.q >= 0 && question.q <= 1)) {
    return "q must be within [0, 1]";
  }
  if (question.function == Function::kBelow && !(question.q > 0)) {
    return "le must be above 0";
  }
  for (const auto& [source, level] : {std::pair(Source::kFiveMinutes, RollupLevel::kFiveMinutes),
                                      std::pair(Source::kHour, RollupLevel::kHour)}) {
    if (question.source == source && step % BucketMs(level) != 0) {
      return "step must be a multiple of " + std::to_string(BucketMs(level)) + " ms for level " +
             std::string(ToString(source));
    }
  }
  return "";
}

bool OnlyOfHistograms(Function function) {
  return function == Function::kQuantile || function == Function::kBelow;
}

bool IsOfHistograms(Function function) {
  return function == Function::kIncrease || function == Function::kAvg ||
         OnlyOfHistograms(function);
}

// Which kind of series is meant, or why neither can be.
Result<bool> WantsHistograms(const RangeQuestion& question, const Selection& selection) {
  const Function function = question.function;
  bool numbers = selection.has_numbers(), histograms = selection.has_histograms();
  if (numbers && histograms) {
    // Any machine may declare what it likes: the catalogue's word holds for all.
    const MetricInfo* info = FindMetric(question.metric);
    const bool histogram = info != nullptr && info->type == MetricType::kHistogram;
    (histogram || OnlyOfHistograms(function) ? numbers : histograms) = false;
  }
  if (OnlyOfHistograms(function) && numbers) {
    return Error{std::string(ToString(function)) + " is asked of histograms, and " +
                 question.metric +
                 " is a number; ask for last, first, min, max, avg, sum, count, increase or rate"};
  }
  if (NumberSteps::NeedsGains(function) && numbers && !selection.has_counters()) {
    return Error{question.metric + " is no counter: it has no " + std::string(ToString(function)) +
                 "; ask for last, min, max or avg"};
  }
  if (!histograms) return false;
  if (!question.step_ms) return Error{question.metric + " is a histogram; give a step"};
  if (!IsOfHistograms(function)) {
    return Error{question.metric + " is a histogram; ask for quantile, below, increase or avg"};
  }
  return true;
}

void Sort(std::vector<query::Column>& columns) {
  std::sort(columns.begin(), columns.end(), [](const query::Column& a, const query::Column& b) {
    return std::tie(a.machine, a.series) < std::tie(b.machine, b.series);
  });
}

// A refusal is an answer.
Result<SeriesAnswer> Judged(Status done, const Budget& budget, SeriesAnswer answer) {
  if (!budget.refused().empty()) {
    SeriesAnswer refusal;
    refusal.refused = budget.refused();
    return refusal;
  }
  if (!done) return done.error();
  Sort(answer.columns);
  return answer;
}

}  // namespace

Result<SeriesAnswer> QueryEngine::Range(const RangeQuestion& question,
                                        const QueryControl& control) {
  SeriesAnswer answer;
  Budget budget(control, clock_);
  auto done = Answer(question, budget, answer);
  return Judged(std::move(done), budget, std::move(answer));
}

Status QueryEngine::Answer(const RangeQuestion& question, Budget& budget, SeriesAnswer& answer) {
  if (auto fault = FaultOf(question, budget.bounds()); !fault.empty()) {
    return budget.Refuse(std::move(fault));
  }
  int64_t from_ms = question.from_ms, to_ms = question.to_ms + 1;
  if (question.step_ms) {
    const StepGrid grid(from_ms, question.to_ms, *question.step_ms);
    from_ms = grid.begin_ms();
    to_ms = grid.end_ms();
  }
  Selection selection(catalog_, budget);
  if (auto done = selection.Begin(
          {question.metric, question.machine, question.matchers, from_ms, to_ms, question.places});
      !done) {
    return done;
  }
  const auto histograms = WantsHistograms(question, selection);
  if (!histograms) return budget.Refuse(histograms.error().message);
  selection.Keep(*histograms);
  if (!question.step_ms) return Points(question, selection, budget, answer);
  return Steps(question, *histograms, selection, budget, answer);
}

Status QueryEngine::Points(const RangeQuestion& question, Selection& selection, Budget& budget,
                           SeriesAnswer& answer) {
  LevelWalk walk(db_, rollups_, budget, Source::kBatches, 0);
  for (const MachineEntry& machine : selection.machines()) {
    if (auto going = budget.Going(); !going) return going;
    const auto selected = selection.Of(machine);
    if (!selected) return selected.error();
    if (!*selected) continue;
    auto done = ReadPoints(walk, **selected, question, budget, answer.columns);
    if (!done) return done;
  }
  answer.sources.assign(walk.used().begin(), walk.used().end());
  return {};
}

Status QueryEngine::Steps(const RangeQuestion& question, bool histograms, Selection& selection,
                          Budget& budget, SeriesAnswer& answer) {
  const StepGrid grid(question.from_ms, question.to_ms, *question.step_ms);
  LevelWalk walk(db_, rollups_, budget, question.source, grid.step_ms());
  Groups groups(question, grid, budget);
  for (const MachineEntry& machine : selection.machines()) {
    if (auto going = budget.Going(); !going) return going;
    const auto selected = selection.Of(machine);
    if (!selected) return selected.error();
    if (!*selected) continue;
    const auto read = histograms ? ReadHistogramSteps : ReadNumberSteps;
    if (auto done = read(walk, **selected, question, grid, budget, groups); !done) return done;
  }
  answer.sources.assign(walk.used().begin(), walk.used().end());
  return groups.Finish(answer.columns);
}

Result<SeriesAnswer> QueryEngine::Last(const LastQuestion& question, const QueryControl& control) {
  SeriesAnswer answer;
  Budget budget(control, clock_);
  auto done = Answer(question, budget, answer);
  return Judged(std::move(done), budget, std::move(answer));
}

Status QueryEngine::Answer(const LastQuestion& question, Budget& budget, SeriesAnswer& answer) {
  if (question.back_ms < 0 || question.back_ms > kMaxQueryRangeMs) {
    return budget.Refuse("back must be within [0, a hundred years]");
  }
  Selection selection(catalog_, budget);
  const int64_t from_ms = question.at_ms - question.back_ms;
  auto begun =
      selection.Begin({question.metric, "", question.matchers, from_ms, question.at_ms + 1, true});
  if (!begun) return begun;
  if (!selection.has_numbers() && selection.has_histograms()) {
    return budget.Refuse(question.metric +
                         " is a histogram, which has no last value; ask for "
                         "quantile, below, increase or avg of steps");
  }
  selection.Keep(false);
  LastBefore last(db_, rollups_, budget, question);
  for (const MachineEntry& machine : selection.machines()) {
    if (auto going = budget.Going(); !going) return going;
    const auto selected = selection.Of(machine);
    if (!selected) return selected.error();
    if (!*selected) continue;
    if (auto done = last.Read(**selected, answer.columns); !done) return done;
  }
  answer.sources.assign(last.used().begin(), last.used().end());
  return {};
}

}  // namespace haidang::store
