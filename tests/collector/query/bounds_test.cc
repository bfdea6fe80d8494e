#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <tuple>

#include "tests/collector/query/random_store.h"

using namespace haidang;
using namespace haidang::collector::testing;
using store::Combine;
using store::Function;
using store::Source;

namespace {

constexpr int64_t kHour = 3600 * 1000;

// A second passes whenever somebody looks.
class HurriedClock final : public Clock {
 public:
  int64_t WallMs() const override { return 0; }
  int64_t MonotonicNs() const override { return ++looks_ * 1'000'000'000; }
  int64_t SinceBootMs() const override { return 0; }

 private:
  mutable std::atomic<int64_t> looks_{0};
};

struct Fixture : RandomStore {
  Fixture() : RandomStore(51) {
    question.metric = "gauge";
    question.from_ms = begin_ms();
    question.to_ms = end_ms();
    question.step_ms = 60'000;
  }
  std::string Refused(const store::QueryControl& control = {}) {
    const auto answer = reader->Range(question, control);
    REQUIRE(answer);
    if (!answer->refused.empty()) CHECK(answer->columns.empty());
    return answer->refused;
  }
  void CheckRefused(const std::string& word, const store::QueryControl& control = {}) {
    const std::string refused = Refused(control);
    INFO(refused);
    CHECK(refused.find(word) != std::string::npos);
  }

  std::unique_ptr<store::Reader> reader = Open();
  store::RangeQuestion question;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "each bound refuses what is beyond it, and says which it is") {
  CHECK(Refused() == "");
  store::QueryControl control;
  control.bounds.columns = 4;
  CheckRefused("more than 4 series; name more labels", control);
  question.combine = Combine::kSum;
  CHECK(Refused(control) == "");
  question.by = {"instance", "disk"};
  CheckRefused("more than 4 series", control);
  question.combine = Combine::kNone;
  question.by.clear();
  control = {};
  control.bounds.series = 3;
  CheckRefused("more than 3 series are to be read", control);
  control = {};
  control.bounds.points = 500;
  CheckRefused("more than 500 points", control);
  control.bounds.points = 100;
  CheckRefused("more than 100 steps", control);
  control = {};
  control.bounds.bytes = 10'000;
  CheckRefused("more than 10000 bytes", control);
  control = {};
  control.bounds.cells = 1000;
  CheckRefused("more than 1000 values", control);
  question.metric = "histogram";
  question.function = Function::kQuantile;
  question.combine = Combine::kSum;
  control.bounds.cells = 3000;
  CheckRefused("more than 3000 values", control);
  question.step_ms.reset();
  question.metric = "gauge";
  question.function = Function::kLast;
  question.combine = Combine::kNone;
  control = {};
  control.bounds.points = 500;
  CheckRefused("more than 500 points", control);
  // A machine may have any number of series, and any number of batches in one window.
  control = {};
  control.bounds.cells = 500;
  CheckRefused("more than 500 values are to be held at once", control);
  control.bounds.cells = 2 * 480;
  CHECK(Refused(control) == "");
}

TEST_CASE_METHOD(Fixture, "a question ends at its deadline, and when it is cancelled") {
  const HurriedClock hurry;
  auto hurried = store::OpenReader(path(), {.clock = &hurry, .rollups = {}});
  REQUIRE(hurried);
  reader = std::move(*hurried);
  CheckRefused("longer than 10000 ms; ask for less time");
  store::LastQuestion last;
  last.metric = "gauge";
  last.at_ms = end_ms() + 20 * 24 * kHour;
  last.back_ms = 40 * 24 * kHour;
  CHECK(reader->Last(last, {})->refused.find("longer than") != std::string::npos);
  reader = Open();
  std::atomic<bool> cancelled = true;
  store::QueryControl control;
  control.cancelled = [&] { return cancelled.load(); };
  CheckRefused("cancelled", control);
  cancelled = false;
  CHECK(Refused(control) == "");
}

TEST_CASE_METHOD(Fixture, "what cannot be asked is refused with what can be") {
  const auto sane = question;
  const auto refuses = [&](const std::string& word, auto&& change) {
    question = sane;
    change(question);
    CheckRefused(word);
  };
  refuses("before from", [](auto& q) { q.to_ms = q.from_ms - 1; });
  refuses("hundred years", [](auto& q) { q.from_ms = q.to_ms - store::kMaxQueryRangeMs - 1; });
  refuses("step must be above 0", [](auto& q) { q.step_ms = 0; });
  refuses("step must be above 0", [](auto& q) { q.step_ms = INT64_MAX; });
  refuses("larger step", [](auto& q) { q.step_ms = 1; });
  refuses("give a step", [](auto& q) {
    q.step_ms.reset();
    q.function = Function::kRate;
  });
  refuses("give a step", [](auto& q) {
    q.step_ms.reset();
    q.combine = Combine::kSum;
  });
  refuses("give a step", [](auto& q) {
    q.step_ms.reset();
    q.source = Source::kHour;
  });
  refuses("give a step", [](auto& q) {
    q.step_ms.reset();
    q.metric = "histogram";
  });
  refuses("multiple of 3600000 ms", [](auto& q) { q.source = Source::kHour; });
  refuses("multiple of 300000 ms", [](auto& q) { q.source = Source::kFiveMinutes; });
  refuses("gauge is a number", [](auto& q) { q.function = Function::kQuantile; });
  refuses("gauge is no counter", [](auto& q) { q.function = Function::kIncrease; });
  refuses("gauge is no counter", [](auto& q) { q.function = Function::kRate; });
  refuses("histogram is a histogram; ask for quantile", [](auto& q) { q.metric = "histogram"; });
  refuses("within [0, 1]", [](auto& q) {
    q.function = Function::kQuantile;
    q.q = std::nan("");
  });
  question = sane;
  question.metric = "nothing";
  CHECK(Refused() == "");
  question = sane;
  question.machine = "nobody";
  CHECK(Refused() == "");
}

TEST_CASE_METHOD(Fixture, "without a step each batch has a point where its machine stood then") {
  question.step_ms.reset();
  question.from_ms += kHour;
  const auto answer = reader->Range(question, {});
  REQUIRE(answer);
  std::map<std::tuple<std::string, Labels>, std::map<int64_t, double>> expected;
  for (const auto& one : series()) {
    if (one.id.metric != "gauge") continue;
    for (const auto& known : one.known) {
      if (known.time_ms < question.from_ms || known.time_ms > question.to_ms) continue;
      const store::Place place = PlaceOf(one.machine, known.time_ms);
      Labels labels = one.id.labels;
      labels["site"] = place.site;
      labels["site_name"] = place.site_name;
      labels["class"] = place.machine_class;
      expected[{one.machine, labels}][known.time_ms] = known.number;
    }
  }
  size_t moved = 0;
  CHECK(answer->columns.size() == expected.size());
  for (const query::Column& column : answer->columns) {
    INFO(column.machine << " " << ToString(column.series));
    std::map<int64_t, double> known;
    for (size_t i = 0; i < column.values.size(); ++i) {
      if (i > 0) CHECK(column.times_ms[i - 1] <= column.times_ms[i]);
      if (i > 0 && std::isnan(column.values[i])) CHECK_FALSE(std::isnan(column.values[i - 1]));
      if (!std::isnan(column.values[i])) known[column.times_ms[i]] = column.values[i];
    }
    CHECK(known == expected.at({column.machine, column.series.labels}));
    // Away for an hour: its points end there, and begin again.
    if (column.machine != "pc-2" || column.series.labels.at("site") != "A") continue;
    for (size_t i = 1; i + 1 < column.values.size(); ++i) {
      if (std::isnan(column.values[i]) && column.times_ms[i + 1] - column.times_ms[i] > kHour / 2) {
        ++moved;
      }
    }
  }
  CHECK(moved >= 2);  // of two disks
}
