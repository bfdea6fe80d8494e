#include <algorithm>
#include <catch2/catch.hpp>

#include "collector/store/query/step_grid.h"
#include "tests/collector/query/random_store.h"

using namespace haidang;
using namespace haidang::collector::testing;
using store::RollupLevel;
using store::StepGrid;

namespace {

constexpr int64_t kHour = 3600 * 1000;

struct Found {
  int64_t time_ms = 0;
  double value = 0;
  bool operator==(const Found&) const = default;
};
using Answer = std::map<std::pair<std::string, Labels>, Found>;

Answer Naive(const RandomStore& store, const store::LastQuestion& question) {
  Answer answer;
  for (const auto& series : store.series()) {
    if (series.id.metric != question.metric) continue;
    for (auto known = series.known.rbegin(); known != series.known.rend(); ++known) {
      if (known->time_ms > question.at_ms) continue;
      if (known->time_ms < question.at_ms - question.back_ms) break;
      const store::Place place = store.PlaceOf(series.machine, known->time_ms);
      const auto matches = [&](const store::Matcher& matcher) {
        return matcher.Matches(matcher.label == "site" ? place.site : series.machine);
      };
      if (!std::all_of(question.matchers.begin(), question.matchers.end(), matches)) continue;
      Labels labels = series.id.labels;
      labels["site"] = place.site;
      labels["site_name"] = place.site_name;
      labels["class"] = place.machine_class;
      answer[{series.machine, labels}] = {known->time_ms, known->number};
      break;
    }
  }
  return answer;
}

Answer Ask(store::Reader& reader, const store::LastQuestion& question) {
  const auto answered = reader.Last(question, {});
  REQUIRE(answered);
  CHECK(answered->refused == "");
  Answer answer;
  for (const query::Column& column : answered->columns) {
    REQUIRE(column.values.size() == 1);
    answer[{column.machine, column.series.labels}] = {column.times_ms[0], column.values[0]};
  }
  return answer;
}

}  // namespace

TEST_CASE("the last known value of each series before a time, and when that was") {
  for (const uint64_t seed : {31U, 32U, 33U}) {
    INFO("seed " << seed);
    RandomStore store(seed);
    const auto reader = store.Open();
    std::mt19937_64 random(seed);
    for (int i = 0; i < 60; ++i) {
      store::LastQuestion question;
      question.metric = "gauge";
      const auto length = static_cast<uint64_t>(store.end_ms() - store.begin_ms() + 40 * kHour);
      question.at_ms = store.begin_ms() - kHour + static_cast<int64_t>(random() % length);
      question.back_ms = static_cast<int64_t>(random() % 60) * kHour;
      for (const char* text : {"site=A", "site!=A", "instance~pc-[23]*", "instance!=pc-1"}) {
        if (random() % 4 == 0) question.matchers.push_back(*store::ParseMatcher(text));
      }
      CHECK(Ask(*reader, question) == Naive(store, question));
    }
  }
}

TEST_CASE("beyond a day roll-ups tell the last value, at the time their bucket begins") {
  RandomStore store(34);
  const int64_t from = StepGrid::Floor(store.begin_ms(), kHour);
  store.covered[RollupLevel::kHour] = {{from, store.end_ms() - 2 * kHour}};
  const auto reader = store.Open();
  store::LastQuestion question;
  question.metric = "gauge";
  question.at_ms = store.end_ms() + 30 * 24 * kHour;
  question.back_ms = 40 * 24 * kHour;
  const auto expected = Naive(store, question);
  CHECK(Ask(*reader, question) == expected);  // the newest hours are not rolled up
  store.covered[RollupLevel::kHour] = {{from, store.end_ms() + kHour}};
  Answer by_hour;
  for (const auto& [key, found] : expected) {
    by_hour[key] = {StepGrid::Floor(found.time_ms, kHour), found.value};
  }
  CHECK(Ask(*reader, question) == by_hour);
  question.metric = "histogram";
  const auto refused = reader->Last(question, {});
  REQUIRE(refused);
  CHECK(refused->refused.find("histogram") != std::string::npos);
}

TEST_CASE("where batches went for their age roll-ups tell the day before the time too") {
  RandomStore store(35);
  {
    auto db = Database::Open(store.path(), {});
    REQUIRE(db);
    for (const char* sql : {"DELETE FROM block", "DELETE FROM journal"}) REQUIRE(db->Exec(sql));
  }
  const std::vector<store::Stretch> all = {
      {StepGrid::Floor(store.begin_ms(), kHour), store.end_ms() + kHour}};
  store::LastQuestion question;
  question.metric = "gauge";
  question.at_ms = StepGrid::Floor(store.end_ms(), kHour) + 90'000;
  for (const auto& [level, bucket] :
       {std::pair(RollupLevel::kFiveMinutes, kHour / 12), std::pair(RollupLevel::kHour, kHour)}) {
    store.covered = {{level, all}};
    // Buckets that are still open at the time would tell what came after it.
    store::LastQuestion ended = question;
    ended.at_ms = StepGrid::Floor(question.at_ms, bucket) - 1;
    Answer expected;
    for (const auto& [key, found] : Naive(store, ended)) {
      expected[key] = {StepGrid::Floor(found.time_ms, bucket), found.value};
    }
    REQUIRE(expected.size() >= 8);
    CHECK(Ask(*store.Open(), question) == expected);
  }
}
