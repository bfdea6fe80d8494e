#include "collector/store/query/selection.h"

#include <algorithm>
#include <map>
#include <utility>

namespace haidang::store {

namespace {

std::string_view ValueOf(const Labels& labels, std::string_view name) {
  const auto it = labels.find(name);
  return it == labels.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace

bool IsPlaceLabel(std::string_view name) {
  return name == "instance" || name == "site" || name == "site_name" || name == "class";
}

Labels ToldLabels(const Labels& own) {
  Labels told;
  for (const auto& [name, value] : own) {
    std::string as = name;
    while (IsPlaceLabel(as) || (as != name && own.contains(as))) as.insert(0, "exported_");
    told.emplace(std::move(as), value);
  }
  return told;
}

std::string_view LabelOf(std::string_view name, std::string_view machine, const Place& place,
                         const Labels& told) {
  if (name == "instance") return machine;
  if (name == "site") return place.site;
  if (name == "site_name") return place.site_name;
  if (name == "class") return place.machine_class;
  return ValueOf(told, name);
}

Labels WithPlace(const Labels& told, const Place& place) {
  Labels labels = told;
  labels["site"] = place.site;
  labels["site_name"] = place.site_name;
  labels["class"] = place.machine_class;
  return labels;
}

const PlaceStretch* Selected::At(int64_t time_ms, size_t& hint) const {
  if (hint == stretches.size() || time_ms < stretches[hint].from_ms) hint = 0;
  while (hint < stretches.size() && time_ms >= stretches[hint].to_ms) ++hint;
  if (hint == stretches.size() || time_ms < stretches[hint].from_ms) return nullptr;
  return &stretches[hint];
}

Status Selection::Begin(const Wanted& wanted) {
  from_ms_ = wanted.from_ms;
  to_ms_ = wanted.to_ms;
  places_ = wanted.places;
  std::optional<std::string> name;
  if (!wanted.machine.empty()) name = wanted.machine;
  for (const Matcher& matcher : wanted.matchers) {
    const bool place = places_ ? IsPlaceLabel(matcher.label) : matcher.label == "instance";
    (place ? place_ : own_).push_back(matcher);
    if (matcher.label == "instance" && matcher.kind == Matcher::Kind::kEqual)
      name = matcher.pattern;
  }
  if (places_) {
    if (auto done = catalog_.Refresh(); !done) return done;
  }
  auto machines = catalog_.Machines(name);
  if (!machines) return machines.error();
  machines_ = std::move(*machines);
  auto series = catalog_.Series(wanted.metric);
  if (!series) return series.error();
  std::map<std::pair<Labels, bool>, size_t> known;
  for (SeriesEntry& entry : *series) {
    Labels labels = places_ ? ToldLabels(entry.labels) : std::move(entry.labels);
    if (!MatchesOwn(labels)) continue;
    (entry.histogram ? has_histograms_ : has_numbers_) = true;
    has_counters_ = has_counters_ || (entry.counter && !entry.histogram);
    const auto [at, fresh] = known.try_emplace({labels, entry.histogram}, kinds_.size());
    if (fresh) kinds_.push_back({std::move(labels), entry.histogram, {}});
    kinds_[at->second].series.push_back(entry.id);
    series_.insert(entry.id);
  }
  return {};
}

void Selection::Keep(bool histograms) {
  std::erase_if(kinds_, [&](const Kind& kind) { return kind.histogram != histograms; });
  series_.clear();
  for (const Kind& kind : kinds_) series_.insert(kind.series.begin(), kind.series.end());
}

bool Selection::MatchesOwn(const Labels& labels) const {
  return std::all_of(own_.begin(), own_.end(), [&](const Matcher& matcher) {
    return matcher.Matches(ValueOf(labels, matcher.label));
  });
}

Result<std::vector<PlaceStretch>> Selection::Stretches(const MachineEntry& machine) {
  std::vector<PlaceStretch> stretches{{from_ms_, to_ms_, {}}};
  if (places_) {
    auto read = catalog_.PlacesOf(machine, from_ms_, to_ms_);
    if (!read) return read.error();
    stretches = std::move(*read);
  }
  std::erase_if(stretches, [&](const PlaceStretch& stretch) {
    return !std::all_of(place_.begin(), place_.end(), [&](const Matcher& matcher) {
      return matcher.Matches(LabelOf(matcher.label, machine.name, stretch.place, {}));
    });
  });
  return stretches;
}

Result<std::optional<Selected>> Selection::Of(const MachineEntry& machine) {
  std::optional<Selected> none;
  if (kinds_.empty()) return none;
  auto stretches = Stretches(machine);
  if (!stretches) return stretches.error();
  if (stretches->empty()) return none;
  auto series = catalog_.SeriesOf(machine.id, series_);
  if (!series) return series.error();
  Selected selected;
  selected.machine = &machine;
  selected.stretches = std::move(*stretches);
  selected.ticks.machine = machine.id;
  selected.ticks.from_ms = from_ms_;
  selected.ticks.to_ms = to_ms_;
  for (const Kind& kind : kinds_) {
    const auto slot = static_cast<uint32_t>(selected.labels.size());
    bool has = false;
    for (const int64_t id : kind.series) {
      if (!series->contains(id)) continue;
      selected.ticks.slots[id] = slot;
      has = true;
    }
    if (!has) continue;
    selected.labels.push_back(&kind.labels);
    selected.ticks.histograms.push_back(kind.histogram);
  }
  if (selected.labels.empty()) return none;
  if (auto done = budget_.Series(selected.labels.size()); !done) return done.error();
  return std::optional(std::move(selected));
}

}  // namespace haidang::store
