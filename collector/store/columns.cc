#include "collector/store/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace haidang::store {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

int64_t StepOf(int64_t time_ms, int64_t step_ms) {
  const int64_t quotient = time_ms / step_ms;
  return time_ms % step_ms < 0 ? quotient - 1 : quotient;
}

}  // namespace

ColumnWriter::ColumnWriter(std::vector<query::Column> columns, std::optional<int64_t> step_ms,
                           int64_t interval_ms, size_t max_points)
    : columns_(std::move(columns)),
      step_ms_(step_ms),
      interval_ms_(interval_ms),
      max_points_(max_points) {}

void ColumnWriter::Tick(int64_t time_ms, const Head& head) {
  if (full()) return;
  const bool gap = last_ms_ && time_ms - *last_ms_ > 3 * interval_ms_;
  for (uint32_t i = 0; i < columns_.size(); ++i) {
    if (gap) Put(columns_[i], *last_ms_ + interval_ms_, kUnknown);
    Put(columns_[i], time_ms, head.Number(i).value_or(kUnknown));
  }
  last_ms_ = time_ms;
}

void ColumnWriter::Put(query::Column& column, int64_t time_ms, double value) {
  const bool empty = column.times_ms.empty();
  if (std::isnan(value) && (empty || std::isnan(column.values.back()))) return;
  if (!empty && step_ms_ &&
      StepOf(column.times_ms.back(), *step_ms_) == StepOf(time_ms, *step_ms_)) {
    if (std::isnan(value)) return;  // the step has a last value
    column.times_ms.back() = time_ms;
    column.values.back() = value;
    return;
  }
  column.times_ms.push_back(time_ms);
  column.values.push_back(value);
  ++points_;
}

std::vector<query::Column> ColumnWriter::Take() {
  std::erase_if(columns_, [](const query::Column& column) { return column.times_ms.empty(); });
  return std::move(columns_);
}

}  // namespace haidang::store
