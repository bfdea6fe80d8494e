#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/sparkplug/command.h"

namespace haidang::store {

using sparkplug::NumberRange;

// Numbers from 1, as ascending, disjoint, non-adjacent inclusive ranges. A value; adding the number
// after the last one costs nothing.
class RangeSet {
 public:
  // What an Add did to the list of ranges, so that a table of them can follow.
  struct Change {
    uint64_t start = 0;             // first number of the range that now holds what was added
    std::vector<uint64_t> removed;  // starts of the ranges that were swallowed by it
  };

  RangeSet() = default;
  // Sorts and merges; empty or reversed ranges are ignored.
  explicit RangeSet(std::vector<NumberRange> ranges);

  bool Contains(uint64_t number) const;

  // Required: 1 ≤ first ≤ last < UINT64_MAX.
  Change Add(uint64_t first, uint64_t last);
  Change Add(uint64_t number) { return Add(number, number); }

  // The parts of [first, last] that are not in the set.
  std::vector<NumberRange> Missing(uint64_t first, uint64_t last) const;

  // How many of [first, last] are in the set.
  uint64_t Count(uint64_t first, uint64_t last) const;
  // The highest number in the set; 0 where it is empty.
  uint64_t Highest() const { return ranges_.empty() ? 0 : ranges_.back().last; }

  // Every number from 1 to this one is in the set; 0 where 1 is not.
  uint64_t Cumulative() const;

  // The range that begins with `start`; null where there is none.
  const NumberRange* StartingAt(uint64_t start) const;

  std::span<const NumberRange> ranges() const { return ranges_; }
  // Would adding `number` make one range more?
  bool AddsRange(uint64_t number) const;

  bool operator==(const RangeSet&) const = default;

 private:
  size_t FirstEndingAtOrAfter(uint64_t number) const;
  std::vector<NumberRange> ranges_;
};

}  // namespace haidang::store
