#include "collector/store/places.h"

#include <optional>
#include <utility>

namespace haidang::store {
namespace {

template <typename Row>
bool ValidAt(const Row& row, int64_t at_ms) {
  return row.valid_from_ms <= at_ms && (!row.valid_to_ms || at_ms < *row.valid_to_ms);
}

}  // namespace

Places::Places(query::Snapshot snapshot) : snapshot_(std::move(snapshot)) {
  for (size_t i = 0; i < snapshot_.sites.size(); ++i) sites_[snapshot_.sites[i].code].push_back(i);
  for (size_t i = 0; i < snapshot_.placements.size(); ++i) {
    placements_[snapshot_.placements[i].machine].push_back(i);
  }
}

Place Places::Of(std::string_view machine, std::string_view told_site, std::string_view told_class,
                 int64_t at_ms) const {
  Place place{std::string(told_site), "", std::string(told_class)};
  if (const auto it = placements_.find(machine); it != placements_.end()) {
    for (const size_t i : it->second) {
      const query::Placement& row = snapshot_.placements[i];
      if (!ValidAt(row, at_ms)) continue;
      place.site = row.site;
      if (!row.machine_class.empty()) place.machine_class = row.machine_class;
    }
  }
  if (const auto it = sites_.find(place.site); it != sites_.end()) {
    for (const size_t i : it->second) {
      if (ValidAt(snapshot_.sites[i], at_ms)) place.site_name = snapshot_.sites[i].name;
    }
  }
  return place;
}

std::vector<int64_t> Places::ChangesOf(std::string_view machine,
                                       std::vector<std::string_view> told_sites) const {
  std::vector<int64_t> times;
  const auto add = [&times](const auto& row) {
    times.push_back(row.valid_from_ms);
    if (row.valid_to_ms) times.push_back(*row.valid_to_ms);
  };
  if (const auto it = placements_.find(machine); it != placements_.end()) {
    for (const size_t i : it->second) {
      add(snapshot_.placements[i]);
      told_sites.push_back(snapshot_.placements[i].site);
    }
  }
  for (const std::string_view code : told_sites) {
    const auto it = sites_.find(code);
    if (it == sites_.end()) continue;
    for (const size_t i : it->second) add(snapshot_.sites[i]);
  }
  return times;
}

const query::Objective* Places::ObjectiveOf(std::string_view journey, std::string_view step) const {
  return FindObjective(snapshot_.objectives, journey, step);
}

const query::Objective* FindObjective(const std::vector<query::Objective>& objectives,
                                      std::string_view journey, std::string_view step) {
  const query::Objective* general = nullptr;
  for (const query::Objective& objective : objectives) {
    if (objective.journey != journey) continue;
    if (objective.step == step) return &objective;
    if (objective.step.empty()) general = &objective;
  }
  return general;
}

}  // namespace haidang::store
