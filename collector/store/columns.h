#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collector/store/head.h"
#include "core/query.h"

namespace haidang::store {

// Writes one point for each tick and column, NaN where the value is unknown: once for each stretch,
// at its beginning. Where no tick came for three intervals, NaN stands one interval after the last.
class ColumnWriter {
 public:
  ColumnWriter(std::vector<query::Column> columns, std::optional<int64_t> step_ms,
               int64_t interval_ms, size_t max_points);

  // The values of `head`'s slots, which are the columns, at `time_ms`. Times ascend.
  void Tick(int64_t time_ms, const Head& head);

  // There are more points than may be; what follows is not written.
  bool full() const { return points_ > max_points_; }
  // Columns without any known value are left out.
  std::vector<query::Column> Take();

 private:
  void Put(query::Column& column, int64_t time_ms, double value);

  std::vector<query::Column> columns_;
  std::optional<int64_t> step_ms_;
  int64_t interval_ms_;
  size_t max_points_;
  size_t points_ = 0;
  std::optional<int64_t> last_ms_;
};

}  // namespace haidang::store
