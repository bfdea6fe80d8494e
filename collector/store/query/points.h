#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/level_walk.h"
#include "collector/store/query/selection.h"
#include "core/query.h"

namespace haidang::store {

// One series' points: NaN where the value is unknown, once for each stretch, at its beginning.
class PointColumn {
 public:
  explicit PointColumn(std::optional<int64_t> thin_ms) : thin_ms_(thin_ms) {}

  // Times ascend. Where points are thinned the last known one of a stretch stays.
  void Put(int64_t time_ms, double value);
  size_t size() const { return times_ms_.size(); }
  bool empty() const { return times_ms_.empty(); }
  // Ends its use.
  void MoveTo(query::Column& column);

 private:
  std::optional<int64_t> thin_ms_;
  std::vector<int64_t> times_ms_;
  std::vector<double> values_;
};

// A machine's series as a point for each batch. Where no batch came for three of its intervals, NaN
// stands one interval after the last. Series without any known value are left out.
Status ReadPoints(LevelWalk& walk, const Selected& selected, const RangeQuestion& question,
                  Budget& budget, std::vector<query::Column>& columns);

}  // namespace haidang::store
