#include "collector/slo/read_runs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace haidang::slo {
namespace {

constexpr const char* kRuns = "haidang_probe_runs_total";
constexpr const char* kFailures = "haidang_probe_failures_total";
constexpr const char* kLatency = "haidang_probe_latency_seconds";

using Columns = std::vector<query::Column>;

// A target's questions.
class Asker {
 public:
  Asker(store::Reader& reader, const Target& target, const std::function<bool()>& cancelled)
      : reader_(reader), target_(target) {
    control_.cancelled = cancelled;
  }

  // Of all machines together; `by`: labels that stay apart.
  Result<Columns> Ask(const char* metric, store::Function function, int64_t from_ms, int64_t to_ms,
                      std::vector<std::string> by = {}) {
    using store::Matcher;
    store::RangeQuestion question;
    question.metric = metric;
    question.matchers.push_back({"journey", Matcher::Kind::kEqual, target_.journey});
    if (!target_.step.empty()) {
      question.matchers.push_back({"step", Matcher::Kind::kEqual, target_.step});
    }
    for (const std::string& step : target_.without) {
      question.matchers.push_back({"step", Matcher::Kind::kNotEqual, step});
    }
    question.from_ms = from_ms;
    question.to_ms = to_ms;
    question.step_ms = kBucketMs;
    question.function = function;
    if (function == store::Function::kBelow) question.q = target_.seconds;
    question.combine = store::Combine::kSum;
    question.by = std::move(by);
    question.places = false;
    auto answer = reader_.Range(question, control_);
    if (!answer) return answer.error();
    if (!answer->refused.empty()) return Error{answer->refused};
    return std::move(answer->columns);
  }

 private:
  store::Reader& reader_;
  const Target& target_;
  store::QueryControl control_;
};

template <typename Take>
void Each(const Columns& columns, Take take) {
  for (const query::Column& column : columns) {
    for (size_t i = 0; i < column.times_ms.size(); ++i) {
      if (std::isfinite(column.values[i])) take(column.times_ms[i], column.values[i]);
    }
  }
}

}  // namespace

Status ReadRuns(store::Reader& reader, const Target& target, int64_t from_ms, int64_t to_ms,
                const std::function<bool()>& cancelled, RunCounts& counts) {
  Asker asker(reader, target, cancelled);
  const bool latency = target.kind == Kind::kLatency;
  // A journey ends at the step that fails: as many begin as its first step has runs, and as many
  // fail as all of its steps together.
  const bool whole = !latency && target.step.empty();
  const auto runs =
      asker.Ask(kRuns, store::Function::kIncrease, from_ms, to_ms,
                whole ? std::vector<std::string>{"step"} : std::vector<std::string>{});
  if (!runs) return runs.error();
  const auto marked = latency ? asker.Ask(kLatency, store::Function::kBelow, from_ms, to_ms)
                              : asker.Ask(kFailures, store::Function::kIncrease, from_ms, to_ms);
  if (!marked) return marked.error();
  std::map<int64_t, Runs> steps;
  Each(*runs, [&](int64_t at_ms, double value) {
    double& all = steps[at_ms].all;
    all = whole ? std::max(all, value) : all + value;
  });
  Each(*marked, [&](int64_t at_ms, double value) { steps[at_ms].good += value; });
  for (int64_t at = from_ms / kBucketMs * kBucketMs; at <= to_ms; at += kBucketMs) {
    const auto found = steps.find(at);
    Runs here = found == steps.end() ? Runs{} : found->second;
    if (!latency) here.good = here.all - here.good;
    here.good = std::clamp(here.good, 0.0, here.all);
    counts.Put(at, here);
  }
  return {};
}

}  // namespace haidang::slo
