#include "collector/instant.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "collector/store/query/selection.h"

namespace haidang::collector {
namespace {

// A known value of the fleet, by its index.
struct Candidate {
  uint32_t value = 0;
  double number = 0;
};

// Series of one metric, told apart by their labels: a number for each set of labels.
class LabelSets {
 public:
  uint32_t Of(const SeriesDef& def) {
    const auto [at, fresh] = by_def_.try_emplace(&def, 0U);
    if (fresh) {
      at->second =
          by_labels_.try_emplace(def.row.series.labels, static_cast<uint32_t>(by_labels_.size()))
              .first->second;
    }
    return at->second;
  }

 private:
  std::unordered_map<const SeriesDef*, uint32_t> by_def_;
  std::map<Labels, uint32_t> by_labels_;
};

uint64_t KeyOf(uint32_t line, uint32_t labels) { return uint64_t{line} << 32 | labels; }

// Whether series and machines match, found out once each.
class Matching {
 public:
  Matching(const FleetNow& fleet, const InstantQuestion& question) : matchers_(question.matchers) {
    for (const FleetNow::Line& line : fleet.lines) {
      lines_.push_back(All(store::IsPlaceLabel, [&](const store::Matcher& matcher) {
        const store::Place place{line.site, line.site_name, line.machine_class};
        return matcher.Matches(store::LabelOf(matcher.label, line.instance, place, {}));
      }));
    }
  }

  bool Has(const FleetNow::Value& value) {
    if (!lines_[value.line]) return false;
    const auto [at, fresh] = series_.try_emplace(value.def, false);
    if (fresh) {
      const Labels told = store::ToldLabels(value.def->row.series.labels);
      const auto own = [](std::string_view name) { return !store::IsPlaceLabel(name); };
      at->second = All(own, [&](const store::Matcher& matcher) {
        return matcher.Matches(store::LabelOf(matcher.label, "", {}, told));
      });
    }
    return at->second;
  }

 private:
  template <typename About, typename Matches>
  bool All(About about, Matches matches) const {
    return std::all_of(matchers_.begin(), matchers_.end(), [&](const store::Matcher& matcher) {
      return !about(matcher.label) || matches(matcher);
    });
  }

  const std::vector<store::Matcher>& matchers_;
  std::vector<bool> lines_;
  std::unordered_map<const SeriesDef*, bool> series_;
};

std::vector<Candidate> Candidates(const FleetNow& fleet, const InstantQuestion& question) {
  LabelSets sets;
  std::unordered_map<uint64_t, double> divisors;
  if (!question.over.empty()) {
    for (const FleetNow::Value& value : fleet.values) {
      if (value.histogram != UINT32_MAX || value.def->row.series.metric != question.over) continue;
      divisors.emplace(KeyOf(value.line, sets.Of(*value.def)), value.number);
    }
  }
  Matching matching(fleet, question);
  std::vector<Candidate> candidates;
  for (uint32_t i = 0; i < fleet.values.size(); ++i) {
    const FleetNow::Value& value = fleet.values[i];
    if (value.histogram != UINT32_MAX || value.def->row.series.metric != question.metric) continue;
    if (!matching.Has(value)) continue;
    double number = value.number;
    if (!question.over.empty()) {
      const auto divisor = divisors.find(KeyOf(value.line, sets.Of(*value.def)));
      if (divisor == divisors.end()) continue;
      number /= divisor->second;
    }
    if (std::isfinite(number)) candidates.push_back({i, number});
  }
  return candidates;
}

// The first `count` of those that `before` orders, in its order; equal ones as they stood.
template <typename Before>
void Keep(std::vector<Candidate>& candidates, size_t count, Before before) {
  count = std::min(count, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                    candidates.end(), [&](const Candidate& a, const Candidate& b) {
                      if (a.number != b.number) return before(a.number, b.number);
                      return a.value < b.value;
                    });
  candidates.resize(count);
}

}  // namespace

Result<std::vector<query::Column>> AnswerInstant(const FleetNow& fleet,
                                                 const InstantQuestion& question,
                                                 size_t max_columns) {
  std::vector<Candidate> candidates = Candidates(fleet, question);
  if (question.largest) Keep(candidates, *question.largest, std::greater<>());
  if (question.smallest) Keep(candidates, *question.smallest, std::less<>());
  if (candidates.size() > max_columns) {
    return Error{"more than " + std::to_string(max_columns) +
                 " series; name more labels, or ask for the largest or smallest"};
  }
  std::vector<query::Column> columns;
  columns.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    const FleetNow::Value& value = fleet.values[candidate.value];
    const FleetNow::Line& line = fleet.lines[value.line];
    const store::Place place{line.site, line.site_name, line.machine_class};
    columns.push_back({line.instance,
                       {question.metric,
                        store::WithPlace(store::ToldLabels(value.def->row.series.labels), place)},
                       {line.received_ms},
                       {candidate.number}});
  }
  return columns;
}

}  // namespace haidang::collector
