#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/store/places.h"
#include "core/io/database.h"
#include "core/result.h"
#include "core/sample.h"

namespace haidang::store {

struct MachineEntry {
  int64_t id = 0;  // row
  std::string name;
  int64_t interval_ms = 15000;
};

// A series of numbers or histograms, as all machines share it.
struct SeriesEntry {
  int64_t id = 0;  // row
  Labels labels;
  bool histogram = false;
  bool counter = false;
};

// Where a machine stood from one time to another.
struct PlaceStretch {
  int64_t from_ms = 0;
  int64_t to_ms = 0;  // exclusive
  Place place;
};

// What there is to ask about, read on the reader's connection. One thread.
class Catalog {
 public:
  explicit Catalog(Database& db) : db_(db) {}

  // Reads the server's sites and placements again where they changed.
  Status Refresh();

  // By name; that one alone where `name` is given.
  Result<std::vector<MachineEntry>> Machines(const std::optional<std::string>& name);
  // Of one metric, by row.
  Result<std::vector<SeriesEntry>> Series(const std::string& metric);
  // Those that the machine's spools speak of, and those that blocks and roll-ups hold: of `wanted`.
  Result<std::set<int64_t>> SeriesOf(int64_t machine, const std::set<int64_t>& wanted);
  // Stretches without a hole that cover [from_ms, to_ms): by the inventory, else as births told;
  // what its first birth told held before it.
  Result<std::vector<PlaceStretch>> PlacesOf(const MachineEntry& machine, int64_t from_ms,
                                             int64_t to_ms);

 private:
  Database& db_;
  int64_t version_ = -1;  // of the snapshot
  Places places_;
};

}  // namespace haidang::store
