#include "agent/row_set.h"

#include <algorithm>
#include <iterator>

namespace haidang::agent {

void RowSet::Add(int64_t first, int64_t last) {
  if (first > last) return;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first - 1) --at;
  while (at != ranges_.end() && at->first <= last + 1) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(first, last);
}

void RowSet::Remove(int64_t first, int64_t last) {
  if (first > last) return;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first) --at;
  while (at != ranges_.end() && at->first <= last) {
    const auto [low, high] = *at;
    at = ranges_.erase(at);
    if (low < first) ranges_.emplace(low, first - 1);
    if (high > last) at = ranges_.emplace(last + 1, high).first;
  }
}

bool RowSet::Contains(int64_t row) const { return ContainsAll(row, row); }

bool RowSet::ContainsAll(int64_t first, int64_t last) const {
  const auto after = ranges_.upper_bound(first);
  return after != ranges_.begin() && std::prev(after)->second >= last;
}

size_t RowSet::Count() const {
  size_t count = 0;
  for (const auto& [first, last] : ranges_) count += static_cast<size_t>(last - first + 1);
  return count;
}

size_t RowSet::Count(int64_t first, int64_t last) const { return Within(first, last).Count(); }

std::optional<int64_t> RowSet::First() const {
  if (ranges_.empty()) return std::nullopt;
  return ranges_.begin()->first;
}

std::optional<int64_t> RowSet::FirstFrom(int64_t row) const {
  if (Contains(row)) return row;
  const auto after = ranges_.upper_bound(row);
  if (after == ranges_.end()) return std::nullopt;
  return after->first;
}

std::optional<int64_t> RowSet::LastTo(int64_t row) const {
  const auto after = ranges_.upper_bound(row);
  if (after == ranges_.begin()) return std::nullopt;
  return std::min(row, std::prev(after)->second);
}

RowSet RowSet::Within(int64_t first, int64_t last) const {
  RowSet within;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin()) --at;
  for (; at != ranges_.end() && at->first <= last; ++at) {
    within.Add(std::max(first, at->first), std::min(last, at->second));
  }
  return within;
}

RowSet RowSet::Minus(const RowSet& other) const {
  RowSet rest = *this;
  for (const auto& [first, last] : other.ranges_) rest.Remove(first, last);
  return rest;
}

}  // namespace haidang::agent
