#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <tuple>

#include "collector/store/query/step_grid.h"
#include "tests/collector/query/random_store.h"

using namespace haidang;
using namespace haidang::collector::testing;
using store::Combine;
using store::Function;
using store::RollupLevel;
using store::Source;
using store::StepGrid;

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;

using Key = std::tuple<std::string, Labels>;                // machine and labels of a column
using Expected = std::map<Key, std::map<int64_t, double>>;  // by step

// What happened of a series within a step, at one place.
struct Step {
  std::vector<double> values;
  double increase = kUnknown, seconds = 0;
  std::optional<Histogram> gained;
};

Histogram Minus(const Histogram& a, const Histogram& b) {
  Histogram gain;
  for (uint64_t n = b.zero_count(); n < a.zero_count(); ++n) gain.Observe(0);
  for (const auto& [index, count] : a.buckets()) {
    const auto it = b.buckets().find(index);
    const uint64_t had = it == b.buckets().end() ? 0 : it->second;
    for (uint64_t n = had; n < count; ++n) gain.Observe(Histogram::UpperBound(index) * 0.95);
  }
  return gain;
}

double Value(const Step& step, Function function) {
  const auto& v = step.values;
  switch (function) {
    case Function::kLast:
      return v.back();
    case Function::kFirst:
      return v.front();
    case Function::kMin:
      return *std::min_element(v.begin(), v.end());
    case Function::kMax:
      return *std::max_element(v.begin(), v.end());
    case Function::kSum:
    case Function::kAvg: {
      double sum = 0;
      for (const double value : v) sum += value;
      return function == Function::kAvg ? sum / static_cast<double>(v.size()) : sum;
    }
    case Function::kCount:
      return static_cast<double>(v.size());
    case Function::kIncrease:
      return step.increase;
    case Function::kRate:
      return step.seconds > 0 ? step.increase / step.seconds : kUnknown;
    case Function::kQuantile:
      break;
  }
  return kUnknown;
}

// The answer to `question`, found naively from what is known at each batch.
class Naive {
 public:
  Naive(const RandomStore& store, const store::RangeQuestion& question)
      : store_(store), question_(question) {}

  Expected Answer() {
    for (const auto& series : store_.series()) {
      if (series.id.metric == question_.metric) Take(series);
    }
    return question_.combine == Combine::kNone ? std::move(single_) : Combined();
  }

 private:
  // A roll-up's bucket belongs to where the machine stood when it began.
  int64_t PlaceTime(int64_t time_ms) const {
    for (const RollupLevel level : {RollupLevel::kHour, RollupLevel::kFiveMinutes}) {
      if (*question_.step_ms % store::BucketMs(level) != 0) continue;
      const auto covered = store_.covered.find(level);
      if (covered == store_.covered.end()) continue;
      for (const auto& stretch : covered->second) {
        if (stretch.from_ms <= time_ms && time_ms < stretch.to_ms) {
          return StepGrid::Floor(time_ms, store::BucketMs(level));
        }
      }
    }
    return time_ms;
  }

  bool Matches(const std::string& machine, const store::Place& place, const Labels& labels) const {
    return std::all_of(question_.matchers.begin(), question_.matchers.end(), [&](const auto& m) {
      const std::map<std::string, std::string> where{{"instance", machine},
                                                     {"site", place.site},
                                                     {"site_name", place.site_name},
                                                     {"class", place.machine_class}};
      const auto own = labels.find(m.label);
      return m.Matches(where.contains(m.label) ? where.at(m.label)
                       : own == labels.end()   ? ""
                                               : own->second);
    });
  }

  void Take(const RandomStore::Series& series) {
    const int64_t step_ms = *question_.step_ms;
    const int64_t begin = StepGrid::Floor(question_.from_ms, step_ms);
    const int64_t end = StepGrid::Floor(question_.to_ms, step_ms) + step_ms;
    Labels told;
    for (const auto& [name, value] : series.id.labels) {
      told[name == "site" ? "exported_site" : name] = value;
    }
    std::map<Labels, std::map<int64_t, Step>> steps;
    const RandomStore::Known* before = nullptr;
    for (const auto& known : series.known) {
      const auto* last = std::exchange(before, &known);
      if (known.time_ms < begin || known.time_ms >= end) continue;
      const store::Place place = store_.PlaceOf(series.machine, PlaceTime(known.time_ms));
      if (!Matches(series.machine, place, told)) continue;
      Labels labels = told;
      labels["site"] = place.site;
      labels["site_name"] = place.site_name;
      labels["class"] = place.machine_class;
      Step& step = steps[labels][StepGrid::Floor(known.time_ms, step_ms)];
      step.values.push_back(known.number);
      if (last == nullptr || known.time_ms - last->time_ms > store::kBridgeMs) continue;
      if (series.histogram) {
        if (!step.gained) step.gained.emplace();
        const Histogram whole = Minus(known.histogram, {});
        const Histogram part = Minus(known.histogram, last->histogram);
        Histogram check = Minus(last->histogram, {});
        check.Merge(part);
        const bool fell = check.buckets() != whole.buckets() || check.count() != whole.count();
        step.gained->Merge(fell ? whole : part);
      } else {
        const double gain =
            known.number < last->number ? known.number : known.number - last->number;
        step.increase = std::isnan(step.increase) ? gain : step.increase + gain;
        step.seconds += static_cast<double>(known.time_ms - last->time_ms) / 1000;
      }
    }
    for (auto& [labels, by_step] : steps) {
      for (auto& [time, step] : by_step) Put(series.machine, labels, time, step);
    }
  }

  void Put(const std::string& machine, const Labels& labels, int64_t time, const Step& step) {
    const bool merge = step.gained && question_.combine == Combine::kSum;
    double value = kUnknown;
    if (step.gained && !merge) value = OfHistogram(*step.gained);
    if (!step.gained) value = Value(step, question_.function);
    if (question_.combine == Combine::kNone) {
      if (!std::isnan(value)) single_[{machine, labels}][time] = value;
      return;
    }
    Labels by;
    std::string instance;
    for (const std::string& name : question_.by) {
      const auto it = labels.find(name);
      if (name == "instance") {
        instance = machine;
      } else {
        by[name] = it == labels.end() ? "" : it->second;
      }
    }
    auto& into = groups_[{instance, by}][time];
    if (merge) {
      if (!into.second) into.second.emplace();
      into.second->Merge(*step.gained);
    } else if (!std::isnan(value)) {
      into.first.push_back(value);
    }
  }

  double OfHistogram(const Histogram& gained) const {
    if (question_.function == Function::kQuantile) return gained.Quantile(question_.q);
    const auto count = static_cast<double>(gained.count());
    return question_.function == Function::kIncrease ? count : kUnknown;
  }

  Expected Combined() const {
    Expected out;
    for (const auto& [key, steps] : groups_) {
      for (const auto& [time, group] : steps) {
        const auto& [values, histogram] = group;
        double value = kUnknown;
        if (histogram) {
          value = OfHistogram(*histogram);
        } else if (!values.empty()) {
          Step step;
          step.values = values;
          value = Value(step, question_.combine == Combine::kSum   ? Function::kSum
                              : question_.combine == Combine::kAvg ? Function::kAvg
                              : question_.combine == Combine::kMin ? Function::kMin
                              : question_.combine == Combine::kMax ? Function::kMax
                                                                   : Function::kCount);
        }
        if (!std::isnan(value)) out[key][time] = value;
      }
    }
    return out;
  }

  const RandomStore& store_;
  const store::RangeQuestion& question_;
  Expected single_;
  std::map<Key, std::map<int64_t, std::pair<std::vector<double>, std::optional<Histogram>>>>
      groups_;
};

bool Near(double a, double b) { return std::fabs(a - b) <= 1e-9 * (1 + std::fabs(b)); }

// What is wrong with the column; "" where nothing is.
std::string Fault(const query::Column& column, const std::map<int64_t, double>& expected,
                  int64_t step_ms) {
  size_t known = 0;
  for (size_t i = 0; i < column.values.size(); ++i) {
    const int64_t time = column.times_ms[i];
    if (i > 0 && column.times_ms[i - 1] >= time) return "times do not ascend";
    const bool follows = i > 0 && time == column.times_ms[i - 1] + step_ms;
    const auto wanted = expected.find(time);
    if (std::isnan(column.values[i])) {
      if (!follows || wanted != expected.end()) return "unknown at " + std::to_string(time);
      continue;
    }
    ++known;
    if (i > 0 && !follows && !std::isnan(column.values[i - 1]))
      return "an unknown step is not told";
    if (wanted == expected.end()) return "known at " + std::to_string(time);
    if (!Near(column.values[i], wanted->second)) {
      return std::to_string(time) + ": " + std::to_string(column.values[i]) + ", expected " +
             std::to_string(wanted->second);
    }
  }
  return known == expected.size() ? "" : "points are missing";
}

void CheckSame(const std::vector<query::Column>& columns, const Expected& expected,
               int64_t step_ms) {
  CHECK(columns.size() == expected.size());
  for (const query::Column& column : columns) {
    const auto wanted = expected.find({column.machine, column.series.labels});
    INFO(column.machine << " " << ToString(column.series));
    REQUIRE(wanted != expected.end());
    CHECK(Fault(column, wanted->second, step_ms) == "");
  }
}

store::SeriesAnswer Ask(store::Reader& reader, const store::RangeQuestion& question) {
  auto answer = reader.Range(question, {});
  REQUIRE(answer);
  CHECK(answer->refused == "");
  return std::move(*answer);
}

store::RangeQuestion Question(const RandomStore& store, const char* metric, int64_t step_ms) {
  store::RangeQuestion question;
  question.metric = metric;
  question.from_ms = store.begin_ms() + 17 * kMinute + 123;
  question.to_ms = store.end_ms() - 13 * kMinute;
  question.step_ms = step_ms;
  return question;
}

constexpr Function kOfNumbers[] = {Function::kLast,  Function::kFirst,    Function::kMin,
                                   Function::kMax,   Function::kAvg,      Function::kSum,
                                   Function::kCount, Function::kIncrease, Function::kRate};
constexpr Combine kCombines[] = {Combine::kNone, Combine::kSum, Combine::kAvg,
                                 Combine::kMin,  Combine::kMax, Combine::kCount};

// Questions at random, enough for each function with each step and combination.
void CheckMany(const RandomStore& store, store::Reader& reader, std::mt19937_64& random,
               bool rates) {
  const auto one_of = [&](const auto& all) { return all[random() % std::size(all)]; };
  const int64_t steps[] = {20'000, kMinute, 5 * kMinute, kHour, 3 * kHour};
  const std::vector<std::string> bys[] = {{}, {"site"}, {"instance", "class", "disk"}};
  for (int i = 0; i < 24; ++i) {
    const bool histogram = i % 4 == 0;
    auto question = Question(store,
                             histogram    ? "histogram"
                             : i % 4 == 1 ? "gauge"
                                          : "counter",
                             one_of(steps));
    question.function = histogram ? Function::kQuantile : one_of(kOfNumbers);
    const bool gains =
        question.function == Function::kIncrease || question.function == Function::kRate;
    if (gains) question.metric = "counter";
    if (question.function == Function::kRate && !rates) question.function = Function::kIncrease;
    question.q = static_cast<double>(random() % 21) / 20;
    question.combine = one_of(kCombines);
    if (question.combine != Combine::kNone) question.by = one_of(bys);
    INFO(question.metric << " " << ToString(question.function) << " " << question.q << " step "
                         << *question.step_ms << " combine " << static_cast<int>(question.combine)
                         << " by " << question.by.size());
    CheckSame(Ask(reader, question).columns, Naive(store, question).Answer(), *question.step_ms);
  }
}

}  // namespace

TEST_CASE("each function, step and combination answers as what is known at each batch says") {
  for (const uint64_t seed : {1U, 2U}) {
    INFO("seed " << seed);
    RandomStore store(seed);
    const auto reader = store.Open();
    std::mt19937_64 random(seed);
    CheckMany(store, *reader, random, true);
  }
}

TEST_CASE("where roll-ups cover the time they answer, with batches beside them") {
  for (const uint64_t seed : {4U, 5U}) {
    INFO("seed " << seed);
    RandomStore store(seed);
    std::mt19937_64 random(seed);
    for (const RollupLevel level : {RollupLevel::kFiveMinutes, RollupLevel::kHour}) {
      const int64_t bucket = store::BucketMs(level);
      int64_t at = StepGrid::Floor(store.begin_ms(), kHour);
      while (at < store.end_ms() - kHour) {
        const int64_t from = at + static_cast<int64_t>(random() % 3) * bucket;
        const int64_t to = from + static_cast<int64_t>(random() % 4 + 1) * bucket;
        store.covered[level].push_back({from, to});
        at = to + bucket;
      }
    }
    const auto reader = store.Open();
    CheckMany(store, *reader, random, false);
    auto question = Question(store, "gauge", 3 * kHour);
    CHECK(Ask(*reader, question).sources ==
          std::vector<Source>{Source::kBatches, Source::kFiveMinutes, Source::kHour});
    question.step_ms = 10 * kMinute;
    CHECK(Ask(*reader, question).sources ==
          std::vector<Source>{Source::kBatches, Source::kFiveMinutes});
    question.step_ms = kMinute;
    CHECK(Ask(*reader, question).sources == std::vector<Source>{Source::kBatches});
    question.step_ms = kHour;
    question.source = Source::kHour;
    const auto forced = Ask(*reader, question);
    CHECK(forced.sources == std::vector<Source>{Source::kHour});
    question.source = Source::kBatches;
    CHECK(Ask(*reader, question).sources == std::vector<Source>{Source::kBatches});
  }
}

TEST_CASE("matchers choose by what a series is and where it was then") {
  RandomStore store(7);
  const auto reader = store.Open();
  for (const char* text :
       {"site=B", "site!=A", "site_name~Phường*mới", "instance~pc-[12]", "instance~pc-?",
        "instance=pc-2", "instance!~*3", "class~*er*", "disk=/data", "disk~/?*", "disk!=/",
        "nothing=", "nothing!=", "exported_site=own"}) {
    for (const char* metric : {"gauge", "counter"}) {
      const auto matcher = store::ParseMatcher(text);
      REQUIRE(matcher);
      auto question = Question(store, metric, 5 * kMinute);
      question.matchers = {*matcher};
      INFO(text);
      CheckSame(Ask(*reader, question).columns, Naive(store, question).Answer(), 5 * kMinute);
    }
  }
}

TEST_CASE("one machine's odd word does not change what a metric is for all others") {
  World world;
  const std::string metric = "haidang_probe_latency_seconds";
  TestAgent honest("pc-1", 1), odd("pc-2", 2);
  const uint64_t latency =
      honest.Declare({metric, {}}, DataType::kBytes, 0, MetricType::kHistogram);
  const uint64_t number = odd.Declare({metric, {}});
  world.Receive(honest.Birth());
  world.Receive(odd.Birth());
  Histogram histogram;
  for (uint64_t n = 1; n <= 5; ++n) {
    histogram.Observe(0.25);
    world.Receive(
        honest.Live({.number = n, .values = {{latency, Bytes{histogram.Encode()}}}, .full = true}));
    world.Receive(odd.Live({.number = n, .values = {{number, 1000.0}}, .full = true}));
  }
  REQUIRE(world.ingest->Commit());
  const auto reader = store::OpenReader(world.dir + "/telemetry.db", {});
  REQUIRE(reader);
  store::RangeQuestion question;
  question.metric = metric;
  question.from_ms = honest.TimeOf(1);
  question.to_ms = honest.TimeOf(5);
  question.step_ms = kHour;
  for (const auto& [function, value] :
       {std::pair(store::Function::kIncrease, 4.0), std::pair(store::Function::kAvg, 0.25)}) {
    question.function = function;
    const auto answer = (*reader)->Range(question, {});
    REQUIRE(answer);
    CHECK(answer->refused == "");
    REQUIRE(answer->columns.size() == 1);
    CHECK(answer->columns[0].machine == "pc-1");
    CHECK(answer->columns[0].values == std::vector<double>{value});
  }
}
