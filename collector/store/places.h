#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/query.h"

namespace haidang::store {

// Where a machine stands at one time.
struct Place {
  std::string site;       // code; "" where unknown
  std::string site_name;  // "" where the site is not in the snapshot
  std::string machine_class;
  bool operator==(const Place&) const = default;
};

// The server's sites, placements and objectives, looked up by time. A value.
class Places {
 public:
  Places() = default;
  explicit Places(query::Snapshot snapshot);

  // The inventory's placement where there is one at that time, else what the machine's birth told.
  Place Of(std::string_view machine, std::string_view told_site, std::string_view told_class,
           int64_t at_ms) const;

  // When the answer of Of() may change: of the machine's placements, of those sites and of
  // `told_sites`. In no order.
  std::vector<int64_t> ChangesOf(std::string_view machine,
                                 std::vector<std::string_view> told_sites) const;

  // The objective for exactly this step, else the journey's, else null.
  const query::Objective* ObjectiveOf(std::string_view journey, std::string_view step) const;

  const query::Snapshot& snapshot() const { return snapshot_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Index = std::unordered_map<std::string, std::vector<size_t>, Hash, std::equal_to<>>;

  query::Snapshot snapshot_;
  Index sites_;       // into snapshot_.sites, by code
  Index placements_;  // into snapshot_.placements, by machine
};

// The objective of `objectives` for exactly this step, else the journey's, else null.
const query::Objective* FindObjective(const std::vector<query::Objective>& objectives,
                                      std::string_view journey, std::string_view step);

}  // namespace haidang::store
