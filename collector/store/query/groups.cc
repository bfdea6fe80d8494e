#include "collector/store/query/groups.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

namespace haidang::store {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Status Groups::Take(const std::string& machine, const Labels& told, const Place& place,
                    std::span<const double> values) {
  if (question_.combine == Combine::kNone) return Emit(machine, WithPlace(told, place), values);
  auto found = GroupOf(machine, told, place);
  if (!found) return found.error();
  Group& group = **found;
  const bool counts = question_.combine == Combine::kAvg;
  if (group.values.empty()) {
    if (auto done = budget_.TakeCells(grid_.count() * (counts ? 2 : 1)); !done) return done;
    group.values.assign(grid_.count(), kUnknown);
    if (counts) group.counts.assign(grid_.count(), 0);
  }
  Add(values, group);
  return {};
}

Result<HistogramSteps*> Groups::MergedOf(const std::string& machine, const Labels& told,
                                         const Place& place) {
  auto group = GroupOf(machine, told, place);
  if (!group) return group.error();
  auto& merged = (*group)->histograms;
  if (merged == nullptr) {
    merged = std::make_unique<HistogramSteps>(grid_, budget_);
    if (auto fine = budget_.Fine(); !fine) return fine.error();
  }
  return merged.get();
}

Result<Groups::Group*> Groups::GroupOf(const std::string& machine, const Labels& told,
                                       const Place& place) {
  std::vector<std::string> key;
  for (const std::string& label : question_.by) {
    key.emplace_back(LabelOf(label, machine, place, told));
  }
  const auto [at, fresh] = groups_.try_emplace(key);
  Group& group = at->second;
  if (!fresh) return &group;
  if (auto done = budget_.Columns(1); !done) return done.error();
  for (size_t i = 0; i < key.size(); ++i) {
    if (question_.by[i] == "instance") {
      group.machine = std::move(key[i]);
    } else {
      group.labels.emplace(question_.by[i], std::move(key[i]));
    }
  }
  return &group;
}

void Groups::Add(std::span<const double> values, Group& group) const {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    double& out = group.values[i];
    if (!group.counts.empty()) group.counts[i] += 1;
    switch (question_.combine) {
      case Combine::kNone:
        break;
      case Combine::kSum:
      case Combine::kAvg:
        out = std::isnan(out) ? values[i] : out + values[i];
        break;
      case Combine::kMin:
        out = std::fmin(out, values[i]);
        break;
      case Combine::kMax:
        out = std::fmax(out, values[i]);
        break;
      case Combine::kCount:
        out = std::isnan(out) ? 1 : out + 1;
        break;
    }
  }
}

// Unknown steps have no point, but for the first of those between two known ones: NaN.
Status Groups::Emit(std::string machine, Labels labels, std::span<const double> values) {
  const auto known = [](double value) { return !std::isnan(value); };
  const auto points = static_cast<size_t>(std::count_if(values.begin(), values.end(), known));
  if (points == 0) return {};
  if (question_.combine == Combine::kNone) {
    if (auto done = budget_.Columns(1); !done) return done;
  }
  query::Column& column = columns_.emplace_back();
  column.machine = std::move(machine);
  column.series = {question_.metric, std::move(labels)};
  column.times_ms.reserve(points);
  column.values.reserve(points);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (i > 0 && std::isnan(values[i - 1]) && !column.values.empty()) {
      // The first unknown step comes right after the last known one.
      column.times_ms.push_back(column.times_ms.back() + grid_.step_ms());
      column.values.push_back(kUnknown);
    }
    column.times_ms.push_back(grid_.TimeOf(i));
    column.values.push_back(values[i]);
  }
  return budget_.Points(column.values.size());
}

Status Groups::Finish(std::vector<query::Column>& columns) {
  for (auto& [key, group] : groups_) {
    std::vector<double> values = std::move(group.values);
    if (group.histograms != nullptr) {
      values = group.histograms->Values(question_.function, question_.q);
    }
    for (size_t i = 0; i < group.counts.size(); ++i) {
      if (group.counts[i] > 0) values[i] /= group.counts[i];
    }
    auto done = Emit(std::move(group.machine), std::move(group.labels), values);
    if (!done) return done;
  }
  std::move(columns_.begin(), columns_.end(), std::back_inserter(columns));
  return {};
}

}  // namespace haidang::store
