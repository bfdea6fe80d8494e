#include "collector/store/query/budget.h"

#include <utility>

namespace haidang::store {

Budget::Budget(const QueryControl& control, const Clock* clock)
    : control_(control), clock_(clock), begun_ns_(clock == nullptr ? 0 : clock->MonotonicNs()) {}

Error Budget::Refuse(std::string why) {
  if (refused_.empty()) refused_ = std::move(why);
  return Error{refused_};
}

Status Budget::Going() {
  if (control_.cancelled && control_.cancelled()) {
    return Refuse("the question was cancelled; ask again");
  }
  const auto deadline_ms = control_.bounds.deadline.count();
  if (clock_ != nullptr && clock_->MonotonicNs() - begun_ns_ > deadline_ms * 1'000'000) {
    return Refuse("it took longer than " + std::to_string(deadline_ms) +
                  " ms; ask for less time, fewer series or a larger step");
  }
  return {};
}

Status Budget::Take(size_t& used, size_t more, size_t most, const char* what) {
  used += more;
  if (used <= most) return {};
  return Refuse("more than " + std::to_string(most) + " " + what);
}

Status Budget::Columns(size_t more) {
  return Take(columns_, more, control_.bounds.columns, "series; name more labels, or combine them");
}

Status Budget::Series(size_t more) {
  return Take(series_, more, control_.bounds.series, "series are to be read; name more labels");
}

Status Budget::Points(size_t more) {
  return Take(points_, more, control_.bounds.points, "points; ask for less time or a larger step");
}

Status Budget::Bytes(size_t more) {
  return Take(bytes_, more, control_.bounds.bytes,
              "bytes are to be decoded; ask for less time or fewer machines");
}

Status Budget::TakeCells(size_t more) {
  if (auto done = Take(cells_, more, control_.bounds.cells,
                       "values are to be held at once; ask for less time, fewer series, a larger "
                       "step, or fewer labels in by");
      !done) {
    cells_ -= more;
    return done;
  }
  return {};
}

Status Budget::Fine() const {
  if (refused_.empty()) return {};
  return Error{refused_};
}

}  // namespace haidang::store
