#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/catalog.h"
#include "collector/store/query/match.h"
#include "collector/store/query/tick_scan.h"

namespace haidang::store {

// "instance" (the machine), "site", "site_name", "class": where a series is, beside what it is.
bool IsPlaceLabel(std::string_view name);
// A series' own labels as they are told beside those: an own one of such a name is
// exported_<name>.
Labels ToldLabels(const Labels& own);
// The value of any label; "" where there is none.
std::string_view LabelOf(std::string_view name, std::string_view machine, const Place& place,
                         const Labels& told);
// What a column is called: `told`, site, site_name and class.
Labels WithPlace(const Labels& told, const Place& place);

// What of one machine is asked for.
struct Selected {
  const MachineEntry* machine = nullptr;
  std::vector<PlaceStretch> stretches;  // those in which it matches, ascending
  std::vector<const Labels*> labels;    // by slot
  TickQuestion ticks;                   // of the whole range

  // Its stretch at that time, nullptr where it does not match then. `hint` makes ascending times
  // cheap; 0 at first.
  const PlaceStretch* At(int64_t time_ms, size_t& hint) const;
};

// Which machines and series a question is about. One thread.
class Selection {
 public:
  Selection(Catalog& catalog, Budget& budget) : catalog_(catalog), budget_(budget) {}

  struct Wanted {
    const std::string& metric;
    const std::string& machine;  // "": any
    const std::vector<Matcher>& matchers;
    int64_t from_ms = 0;
    int64_t to_ms = 0;  // exclusive
    bool places = true;
  };
  // Looks up the metric's series and the machines.
  Status Begin(const Wanted& wanted);

  bool has_numbers() const { return has_numbers_; }
  bool has_counters() const { return has_counters_; }
  bool has_histograms() const { return has_histograms_; }
  // Keeps one kind of series alone.
  void Keep(bool histograms);

  const std::vector<MachineEntry>& machines() const { return machines_; }
  // Nothing where the machine does not match or has none of the series. The selection must outlive
  // the answer.
  Result<std::optional<Selected>> Of(const MachineEntry& machine);

 private:
  struct Kind {
    Labels labels;
    bool histogram = false;
    std::vector<int64_t> series;  // rows: one for each datatype
  };
  bool MatchesOwn(const Labels& labels) const;
  Result<std::vector<PlaceStretch>> Stretches(const MachineEntry& machine);

  Catalog& catalog_;
  Budget& budget_;
  std::vector<Matcher> own_;    // on a series' own labels
  std::vector<Matcher> place_;  // on the machine, and where it stands
  int64_t from_ms_ = 0, to_ms_ = 0;
  bool places_ = true;
  bool has_numbers_ = false, has_counters_ = false, has_histograms_ = false;
  std::vector<Kind> kinds_;
  std::set<int64_t> series_;  // of all kinds
  std::vector<MachineEntry> machines_;
};

}  // namespace haidang::store
