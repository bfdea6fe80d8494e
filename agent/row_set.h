#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace haidang::agent {

// A set of rows of the spool, as ranges: a handful in practice, however many rows. A value.
class RowSet {
 public:
  // First and last row of each range, ascending; ranges neither overlap nor touch.
  using Ranges = std::map<int64_t, int64_t>;

  // Nothing happens where first > last.
  void Add(int64_t first, int64_t last);
  void Remove(int64_t first, int64_t last);

  bool Contains(int64_t row) const;
  bool ContainsAll(int64_t first, int64_t last) const;
  size_t Count() const;
  size_t Count(int64_t first, int64_t last) const;
  bool empty() const { return ranges_.empty(); }
  const Ranges& ranges() const { return ranges_; }

  std::optional<int64_t> First() const;
  std::optional<int64_t> FirstFrom(int64_t row) const;  // the lowest that is not below `row`
  std::optional<int64_t> LastTo(int64_t row) const;     // the highest that is not above `row`

  RowSet Within(int64_t first, int64_t last) const;
  RowSet Minus(const RowSet& other) const;

  bool operator==(const RowSet&) const = default;

 private:
  Ranges ranges_;
};

}  // namespace haidang::agent
