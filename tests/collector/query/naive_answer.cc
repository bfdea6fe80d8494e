#include "tests/collector/query/naive_answer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "collector/store/query/step_grid.h"
#include "core/histogram.h"

namespace haidang::collector::testing {
namespace {

using store::Combine;
using store::Function;
using store::RollupLevel;
using store::StepGrid;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// What happened of a series within a step, at one place.
struct Step {
  std::vector<double> values;
  double increase = kUnknown, seconds = 0;
  std::optional<Histogram> gained;
};

Histogram Minus(const Histogram& a, const Histogram& b) {
  Histogram gain;
  for (uint64_t n = b.zero_count(); n < a.zero_count(); ++n) gain.Observe(0);
  for (const auto& [index, count] : a.buckets()) {
    const auto it = b.buckets().find(index);
    const uint64_t had = it == b.buckets().end() ? 0 : it->second;
    for (uint64_t n = had; n < count; ++n) gain.Observe(Histogram::UpperBound(index) * 0.95);
  }
  return gain;
}

double Value(const Step& step, Function function) {
  const auto& v = step.values;
  switch (function) {
    case Function::kLast:
      return v.back();
    case Function::kFirst:
      return v.front();
    case Function::kMin:
      return *std::min_element(v.begin(), v.end());
    case Function::kMax:
      return *std::max_element(v.begin(), v.end());
    case Function::kSum:
    case Function::kAvg: {
      double sum = 0;
      for (const double value : v) sum += value;
      return function == Function::kAvg ? sum / static_cast<double>(v.size()) : sum;
    }
    case Function::kCount:
      return static_cast<double>(v.size());
    case Function::kIncrease:
      return step.increase;
    case Function::kRate:
      return step.seconds > 0 ? step.increase / step.seconds : kUnknown;
    case Function::kQuantile:
    case Function::kBelow:
      break;
  }
  return kUnknown;
}

class Naive {
 public:
  Naive(const RandomStore& store, const store::RangeQuestion& question)
      : store_(store), question_(question) {}

  Expected Answer() {
    for (const auto& series : store_.series()) {
      if (series.id.metric == question_.metric) Take(series);
    }
    return question_.combine == Combine::kNone ? std::move(single_) : Combined();
  }

 private:
  // A roll-up's bucket belongs to where the machine stood when it began.
  int64_t PlaceTime(int64_t time_ms) const {
    for (const RollupLevel level : {RollupLevel::kHour, RollupLevel::kFiveMinutes}) {
      if (*question_.step_ms % store::BucketMs(level) != 0) continue;
      const auto covered = store_.covered.find(level);
      if (covered == store_.covered.end()) continue;
      for (const auto& stretch : covered->second) {
        if (stretch.from_ms <= time_ms && time_ms < stretch.to_ms) {
          return StepGrid::Floor(time_ms, store::BucketMs(level));
        }
      }
    }
    return time_ms;
  }

  bool Matches(const std::string& machine, const store::Place& place, const Labels& labels) const {
    return std::all_of(question_.matchers.begin(), question_.matchers.end(), [&](const auto& m) {
      const std::map<std::string, std::string> where{{"instance", machine},
                                                     {"site", place.site},
                                                     {"site_name", place.site_name},
                                                     {"class", place.machine_class}};
      const auto own = labels.find(m.label);
      return m.Matches(where.contains(m.label) ? where.at(m.label)
                       : own == labels.end()   ? ""
                                               : own->second);
    });
  }

  void Take(const RandomStore::Series& series) {
    const int64_t step_ms = *question_.step_ms;
    const int64_t begin = StepGrid::Floor(question_.from_ms, step_ms);
    const int64_t end = StepGrid::Floor(question_.to_ms, step_ms) + step_ms;
    Labels told;
    for (const auto& [name, value] : series.id.labels) {
      told[name == "site" ? "exported_site" : name] = value;
    }
    std::map<Labels, std::map<int64_t, Step>> steps;
    const RandomStore::Known* before = nullptr;
    for (const auto& known : series.known) {
      const auto* last = std::exchange(before, &known);
      if (known.time_ms < begin || known.time_ms >= end) continue;
      const store::Place place = store_.PlaceOf(series.machine, PlaceTime(known.time_ms));
      if (!Matches(series.machine, place, told)) continue;
      Labels labels = told;
      labels["site"] = place.site;
      labels["site_name"] = place.site_name;
      labels["class"] = place.machine_class;
      Step& step = steps[labels][StepGrid::Floor(known.time_ms, step_ms)];
      step.values.push_back(known.number);
      if (last == nullptr || known.time_ms - last->time_ms > store::kBridgeMs) continue;
      if (series.histogram) {
        if (!step.gained) step.gained.emplace();
        const Histogram whole = Minus(known.histogram, {});
        const Histogram part = Minus(known.histogram, last->histogram);
        Histogram check = Minus(last->histogram, {});
        check.Merge(part);
        const bool fell = check.buckets() != whole.buckets() || check.count() != whole.count();
        step.gained->Merge(fell ? whole : part);
      } else {
        const double gain =
            known.number < last->number ? known.number : known.number - last->number;
        step.increase = std::isnan(step.increase) ? gain : step.increase + gain;
        step.seconds += static_cast<double>(known.time_ms - last->time_ms) / 1000;
      }
    }
    for (auto& [labels, by_step] : steps) {
      for (auto& [time, step] : by_step) Put(series.machine, labels, time, step);
    }
  }

  void Put(const std::string& machine, const Labels& labels, int64_t time, const Step& step) {
    const bool merge = step.gained && question_.combine == Combine::kSum;
    double value = kUnknown;
    if (step.gained && !merge) value = OfHistogram(*step.gained);
    if (!step.gained) value = Value(step, question_.function);
    if (question_.combine == Combine::kNone) {
      if (!std::isnan(value)) single_[{machine, labels}][time] = value;
      return;
    }
    Labels by;
    std::string instance;
    for (const std::string& name : question_.by) {
      const auto it = labels.find(name);
      if (name == "instance") {
        instance = machine;
      } else {
        by[name] = it == labels.end() ? "" : it->second;
      }
    }
    auto& into = groups_[{instance, by}][time];
    if (merge) {
      if (!into.second) into.second.emplace();
      into.second->Merge(*step.gained);
    } else if (!std::isnan(value)) {
      into.first.push_back(value);
    }
  }

  double OfHistogram(const Histogram& gained) const {
    if (question_.function == Function::kQuantile) return gained.Quantile(question_.q);
    if (question_.function == Function::kBelow) {
      auto below = static_cast<double>(gained.zero_count());
      for (const auto& [index, count] : gained.buckets()) {
        const double lower = Histogram::UpperBound(index - 1);
        const double share = std::log2(question_.q / lower) * 4;
        below += static_cast<double>(count) * std::clamp(share, 0.0, 1.0);
      }
      return below;
    }
    const auto count = static_cast<double>(gained.count());
    return question_.function == Function::kIncrease ? count : kUnknown;
  }

  Expected Combined() const {
    Expected out;
    for (const auto& [key, steps] : groups_) {
      for (const auto& [time, group] : steps) {
        const auto& [values, histogram] = group;
        double value = kUnknown;
        if (histogram) {
          value = OfHistogram(*histogram);
        } else if (!values.empty()) {
          Step step;
          step.values = values;
          value = Value(step, question_.combine == Combine::kSum   ? Function::kSum
                              : question_.combine == Combine::kAvg ? Function::kAvg
                              : question_.combine == Combine::kMin ? Function::kMin
                              : question_.combine == Combine::kMax ? Function::kMax
                                                                   : Function::kCount);
        }
        if (!std::isnan(value)) out[key][time] = value;
      }
    }
    return out;
  }

  const RandomStore& store_;
  const store::RangeQuestion& question_;
  Expected single_;
  std::map<Key, std::map<int64_t, std::pair<std::vector<double>, std::optional<Histogram>>>>
      groups_;
};

}  // namespace

Expected NaiveAnswer(const RandomStore& store, const store::RangeQuestion& question) {
  return Naive(store, question).Answer();
}

}  // namespace haidang::collector::testing
