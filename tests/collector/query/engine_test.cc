#include <catch2/catch.hpp>
#include <cmath>

#include "collector/store/query/step_grid.h"
#include "tests/collector/query/naive_answer.h"
#include "tests/collector/query/random_store.h"

using namespace haidang;
using namespace haidang::collector::testing;
using store::Combine;
using store::Function;
using store::RollupLevel;
using store::Source;
using store::StepGrid;

namespace {

constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;

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
    const Function of_histogram = i % 8 == 0 ? Function::kBelow : Function::kQuantile;
    question.function = histogram ? of_histogram : one_of(kOfNumbers);
    const bool gains =
        question.function == Function::kIncrease || question.function == Function::kRate;
    if (gains) question.metric = "counter";
    if (question.function == Function::kRate && !rates) question.function = Function::kIncrease;
    question.q = static_cast<double>(random() % 21) / 20;
    if (question.function == Function::kBelow) question.q += 0.001;
    question.combine = one_of(kCombines);
    if (question.combine != Combine::kNone) question.by = one_of(bys);
    INFO(question.metric << " " << ToString(question.function) << " " << question.q << " step "
                         << *question.step_ms << " combine " << static_cast<int>(question.combine)
                         << " by " << question.by.size());
    CheckSame(Ask(reader, question).columns, NaiveAnswer(store, question), *question.step_ms);
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
      CheckSame(Ask(*reader, question).columns, NaiveAnswer(store, question), 5 * kMinute);
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
