#include "collector/place_history.h"

#include <set>
#include <utility>

namespace haidang::collector {
namespace {

const store::InfoSpan* ToldAt(const std::vector<store::InfoSpan>& told, int64_t at_ms) {
  const store::InfoSpan* known = told.empty() ? nullptr : &told.front();
  for (const store::InfoSpan& span : told) {
    if (span.from_ms <= at_ms) known = &span;
  }
  return known;
}

template <typename Rows>
void AddBounds(const Rows& rows, std::set<int64_t>& bounds) {
  for (const auto& row : rows) {
    bounds.insert(row.valid_from_ms);
    if (row.valid_to_ms) bounds.insert(*row.valid_to_ms);
  }
}

}  // namespace

std::vector<PlaceSpan> PlaceHistory(const Places& places, const std::string& machine,
                                    const std::vector<store::InfoSpan>& told, int64_t from_ms,
                                    int64_t to_ms) {
  std::set<int64_t> bounds;
  AddBounds(places.snapshot().sites, bounds);
  for (const query::Placement& row : places.snapshot().placements) {
    if (row.machine == machine) AddBounds(std::vector{row}, bounds);
  }
  for (const store::InfoSpan& span : told) bounds.insert(span.from_ms);
  bounds.erase(bounds.begin(), bounds.upper_bound(from_ms));
  bounds.erase(bounds.upper_bound(to_ms), bounds.end());
  bounds.insert(from_ms);
  std::vector<PlaceSpan> spans;
  for (const int64_t begin : bounds) {
    const store::InfoSpan* at = ToldAt(told, begin);
    Place place = at == nullptr ? places.Of(machine, "", "", begin)
                                : places.Of(machine, at->site, at->machine_class, begin);
    if (!spans.empty() && spans.back().place == place) continue;
    if (!spans.empty()) spans.back().to_ms = begin - 1;
    spans.push_back({begin, to_ms, std::move(place)});
  }
  return spans;
}

}  // namespace haidang::collector
