#include "collector/store/range_set.h"

#include <algorithm>
#include <cassert>

namespace haidang::store {

RangeSet::RangeSet(std::vector<NumberRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const NumberRange& a, const NumberRange& b) { return a.first < b.first; });
  for (const NumberRange& range : ranges) {
    if (range.first >= 1 && range.first <= range.last && range.last < UINT64_MAX) {
      Add(range.first, range.last);
    }
  }
}

size_t RangeSet::FirstEndingAtOrAfter(uint64_t number) const {
  auto it = std::lower_bound(ranges_.begin(), ranges_.end(), number,
                             [](const NumberRange& r, uint64_t n) { return r.last < n; });
  return static_cast<size_t>(it - ranges_.begin());
}

bool RangeSet::Contains(uint64_t number) const {
  if (ranges_.empty() || number > ranges_.back().last) return false;
  return ranges_[FirstEndingAtOrAfter(number)].first <= number;
}

RangeSet::Change RangeSet::Add(uint64_t first, uint64_t last) {
  assert(first >= 1 && first <= last && last < UINT64_MAX);
  if (!ranges_.empty() && ranges_.back().last + 1 == first) {
    ranges_.back().last = last;
    return {ranges_.back().first, {}};
  }
  // [begin, end) are the ranges that touch or overlap [first, last].
  const size_t begin = FirstEndingAtOrAfter(first - 1);
  size_t end = begin;
  while (end < ranges_.size() && ranges_[end].first <= last + 1) ++end;
  if (begin == end) {
    ranges_.insert(ranges_.begin() + static_cast<ptrdiff_t>(begin), {first, last});
    return {first, {}};
  }
  Change change;
  NumberRange merged{std::min(first, ranges_[begin].first), std::max(last, ranges_[end - 1].last)};
  change.start = merged.first;
  for (size_t i = begin; i < end; ++i) {
    if (ranges_[i].first != merged.first) change.removed.push_back(ranges_[i].first);
  }
  ranges_[begin] = merged;
  ranges_.erase(ranges_.begin() + static_cast<ptrdiff_t>(begin) + 1,
                ranges_.begin() + static_cast<ptrdiff_t>(end));
  return change;
}

std::vector<NumberRange> RangeSet::Missing(uint64_t first, uint64_t last) const {
  std::vector<NumberRange> missing;
  uint64_t next = first;
  for (size_t i = FirstEndingAtOrAfter(first); i < ranges_.size() && next <= last; ++i) {
    if (ranges_[i].first > last) break;
    if (ranges_[i].first > next) missing.push_back({next, ranges_[i].first - 1});
    next = ranges_[i].last + 1;
  }
  if (next <= last) missing.push_back({next, last});
  return missing;
}

uint64_t RangeSet::Count(uint64_t first, uint64_t last) const {
  uint64_t count = 0;
  for (size_t i = FirstEndingAtOrAfter(first); i < ranges_.size(); ++i) {
    if (ranges_[i].first > last) break;
    count += std::min(last, ranges_[i].last) - std::max(first, ranges_[i].first) + 1;
  }
  return count;
}

uint64_t RangeSet::Cumulative() const {
  return !ranges_.empty() && ranges_.front().first == 1 ? ranges_.front().last : 0;
}

const NumberRange* RangeSet::StartingAt(uint64_t start) const {
  const size_t i = FirstEndingAtOrAfter(start);
  return i < ranges_.size() && ranges_[i].first == start ? &ranges_[i] : nullptr;
}

bool RangeSet::AddsRange(uint64_t number) const {
  const size_t i = FirstEndingAtOrAfter(number - 1);
  return i == ranges_.size() || ranges_[i].first > number + 1;
}

}  // namespace haidang::store
