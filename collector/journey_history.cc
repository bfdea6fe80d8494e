#include "collector/journey_history.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace haidang::collector {
namespace {

constexpr int64_t kHourMs = int64_t{60} * 60 * 1000;
constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kFineMs = 15'000;
constexpr int64_t kRecentMs = int64_t{5} * 60 * 1000;
constexpr size_t kMaxRows = 200000;  // of steps: 200 sites with 20 steps

struct Span {
  int64_t from_ms = 0, to_ms = 0, step_ms = 0;
};

std::string LabelOf(const SeriesId& series, const char* name) {
  const auto it = series.labels.find(name);
  return it == series.labels.end() ? "" : it->second;
}

std::vector<query::Column> Means(store::Reader& reader, const Span& span, const char* metric,
                                 std::vector<store::Matcher> matchers) {
  store::RangeQuestion question;
  question.metric = metric;
  question.matchers = std::move(matchers);
  question.from_ms = span.from_ms;
  question.to_ms = span.to_ms;
  question.step_ms = span.step_ms;
  question.function = store::Function::kAvg;
  question.places = false;
  auto answer = reader.Range(question, {});
  return answer && answer->refused.empty() ? std::move(answer->columns)
                                           : std::vector<query::Column>{};
}

using Key = std::tuple<std::string, std::string, std::string, int64_t>;  // …, step, time

template <typename Take>
void Each(const std::vector<query::Column>& columns, Take take) {
  for (const query::Column& column : columns) {
    for (size_t i = 0; i < column.times_ms.size(); ++i) {
      if (std::isfinite(column.values[i])) take(column, column.times_ms[i], column.values[i]);
    }
  }
}

void ReadSteps(store::Reader& reader, const Span& span, bool coarse, JourneyHistory& out) {
  std::map<Key, verdict::Run> runs;
  const auto key = [](const query::Column& column, int64_t at_ms) {
    return Key{column.machine, LabelOf(column.series, "journey"), LabelOf(column.series, "step"),
               at_ms};
  };
  Each(Means(reader, span, "probe_success", {}),
       [&](const query::Column& column, int64_t at_ms, double value) {
         if (value >= 1) runs[key(column, at_ms)].success = true;
       });
  Each(Means(reader, span, "probe_duration_seconds", {}),
       [&](const query::Column& column, int64_t at_ms, double value) {
         const auto run = runs.find(key(column, at_ms));
         if (run != runs.end()) run->second.seconds = value;
       });
  for (size_t phase = 0; phase < query::kStepPhases.size(); ++phase) {
    std::vector<store::Matcher> of_phase{
        {"phase", store::Matcher::Kind::kEqual, std::string(query::kStepPhases[phase])}};
    Each(Means(reader, span, "probe_http_duration_seconds", std::move(of_phase)),
         [&](const query::Column& column, int64_t at_ms, double value) {
           const auto run = runs.find(key(column, at_ms));
           if (run != runs.end()) run->second.phases[phase] = value;
         });
  }
  for (auto& [of, run] : runs) {
    if (out.steps.size() >= kMaxRows) break;
    if (!run.seconds || (coarse && std::get<3>(of) + span.step_ms > span.to_ms - kRecentMs))
      continue;
    out.steps.push_back(
        {std::get<0>(of), std::get<1>(of), std::get<2>(of), std::get<3>(of), coarse, run});
  }
}

}  // namespace

JourneyHistory ReadJourneyHistory(store::Reader& reader, int64_t now_ms) {
  JourneyHistory out;
  const Span day{now_ms - kDayMs, now_ms, kHourMs};  // what is finely read is left out of it
  ReadSteps(reader, day, true, out);
  ReadSteps(reader, {now_ms - kRecentMs, now_ms, kFineMs}, false, out);
  for (const Span& span : {day, Span{now_ms - kRecentMs, now_ms, kFineMs}}) {
    Each(Means(reader, span, "haidang_path_rtt_seconds", {}),
         [&](const query::Column& column, int64_t at_ms, double value) {
           out.paths.push_back({column.machine, LabelOf(column.series, "role"),
                                LabelOf(column.series, "target"), at_ms, value});
         });
    Each(Means(reader, span, "haidang_dns_seconds", {}),
         [&](const query::Column& column, int64_t at_ms, double value) {
           out.names.push_back({column.machine, LabelOf(column.series, "name"), at_ms, value});
         });
  }
  const auto earlier = [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; };
  // The coarse first: they say what is too slow to be learnt of the fine ones.
  std::stable_sort(out.steps.begin(), out.steps.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(!a.coarse, a.at_ms) < std::make_tuple(!b.coarse, b.at_ms);
  });
  std::stable_sort(out.paths.begin(), out.paths.end(), earlier);
  std::stable_sort(out.names.begin(), out.names.end(), earlier);
  return out;
}

}  // namespace haidang::collector
