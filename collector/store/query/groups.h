#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/histogram_steps.h"
#include "collector/store/query/question.h"
#include "collector/store/query/selection.h"
#include "collector/store/query/step_grid.h"
#include "core/query.h"

namespace haidang::store {

// What becomes of series that are evaluated step by step: a column each, or combined by labels.
class Groups {
 public:
  // All must outlive it.
  Groups(const RangeQuestion& question, const StepGrid& grid, Budget& budget)
      : question_(question), grid_(grid), budget_(budget) {}

  // A series of a machine while it stood at `place`; `values` one a step, NaN where unknown.
  Status Take(const std::string& machine, const Labels& told, const Place& place,
              std::span<const double> values);

  // Histograms are added to each other before anything is asked of them: combine is kSum.
  bool merges_histograms() const { return question_.combine == Combine::kSum; }
  // To which such a series' histograms are added. Required: merges_histograms().
  Result<HistogramSteps*> MergedOf(const std::string& machine, const Labels& told,
                                   const Place& place);

  // Ends its use.
  Status Finish(std::vector<query::Column>& columns);

 private:
  struct Group {
    std::string machine;  // "" unless `by` names it
    Labels labels;
    std::vector<double> values;  // by step; NaN where no series is known
    std::vector<double> counts;  // of known series; where asked for
    std::unique_ptr<HistogramSteps> histograms;
  };
  Result<Group*> GroupOf(const std::string& machine, const Labels& told, const Place& place);
  void Add(std::span<const double> values, Group& group) const;
  Status Emit(std::string machine, Labels labels, std::span<const double> values);

  const RangeQuestion& question_;
  const StepGrid& grid_;
  Budget& budget_;
  std::map<std::vector<std::string>, Group> groups_;  // by the values of `by`
  std::vector<query::Column> columns_;
};

}  // namespace haidang::store
