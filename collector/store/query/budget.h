#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "collector/store/query/question.h"
#include "core/clock.h"
#include "core/result.h"

namespace haidang::store {

// What one question may still cost. Whoever takes more than is left gets an Error, and refused()
// says which bound it was and what to ask for instead. One thread.
class Budget {
 public:
  // `clock` null: there is no deadline. Both must outlive the budget.
  Budget(const QueryControl& control, const Clock* clock);

  // Neither cancelled nor beyond the deadline: asked at least once a window, piece or machine.
  Status Going();
  Status Columns(size_t more);
  Status Series(size_t more);
  Status Points(size_t more);
  Status Bytes(size_t more);
  // Cells that are under way: what was taken is given back once it is not needed any more.
  Status TakeCells(size_t more);
  void GiveCells(size_t count) { cells_ -= count; }

  // Nothing was refused.
  Status Fine() const;
  const std::string& refused() const { return refused_; }
  const QueryBounds& bounds() const { return control_.bounds; }
  // Ends the question for a reason of its own.
  Error Refuse(std::string why);

 private:
  Status Take(size_t& used, size_t more, size_t most, const char* what);

  const QueryControl& control_;
  const Clock* clock_;
  int64_t begun_ns_;
  size_t columns_ = 0, series_ = 0, points_ = 0, bytes_ = 0, cells_ = 0;
  std::string refused_;
};

}  // namespace haidang::store
