#include <catch2/catch.hpp>
#include <chrono>

#include "collector/verdict/track.h"
#include "tests/collector/verdict_world.h"

using namespace haidang::verdict;

namespace {

constexpr int64_t kMinute = 60'000;

Run Of(double seconds, bool success = true) {
  Run run;
  run.success = success;
  run.seconds = seconds;
  run.phases[kProcessing] = seconds;
  if (!success) run.reason = "timeout";
  return run;
}

}  // namespace

TEST_CASE("what is usual is the median of half hours, and needs ten measurements") {
  Usual<1> usual;
  int64_t now_ms = 1767573000000;
  for (int i = 0; i < 9; ++i) usual.Add({1.0}, now_ms += kMinute);
  CHECK_FALSE(usual.now()[0]);
  usual.Add({1.0}, now_ms += kMinute);
  CHECK(usual.now()[0] == 1.0);
  for (int day = 0; day < 30; ++day) {  // far more than is kept
    for (int i = 0; i < 24 * 60; ++i) usual.Add({i % 7 == 0 ? 9.0 : 2.0}, now_ms += kMinute);
  }
  CHECK(usual.now()[0] == 2.0);
  usual.Add({5.0}, now_ms += int64_t{10} * 24 * 60 * kMinute);  // after a long silence
  CHECK(usual.now()[0] == 5.0);
}

TEST_CASE("a step is in trouble when it fails, or is slow twice, until two runs are well") {
  StepTrack track;
  const StepTrack::Rule rule{};
  int64_t now_ms = 1767573000000;
  const auto run = [&](const Run& each) { track.Add(each, rule, now_ms += 1000); };
  for (int i = 0; i < 20; ++i) run(Of(0.2));
  run(Of(2.0));
  CHECK_FALSE(track.bad());
  run(Of(2.0));
  CHECK(track.bad());
  CHECK(track.since_ms() == now_ms - 1000);
  for (int i = 0; i < 100; ++i) run(Of(2.0));
  CHECK(track.usual()[6] == Approx(0.2));  // nothing is learnt of a trouble
  run(Of(0.2));
  CHECK(track.bad());
  run(Of(0.2));
  CHECK_FALSE(track.bad());
  for (int i = 0; i < 4; ++i) run(Of(0.2));
  run(Of(0.1, false));
  CHECK(track.bad());
  Point judged, told;
  run(Of(0.2));
  track.Describe(now_ms, true, judged);
  track.Describe(now_ms, false, told);
  CHECK_FALSE(judged.success);
  CHECK(judged.reason == "timeout");
  CHECK(told.success);
  CHECK(told.reason == "");
}

TEST_CASE("half of what is usual plus a little is not slow; above the objective is") {
  StepTrack track;
  StepTrack::Rule rule{};
  int64_t now_ms = 1767573000000;
  for (int i = 0; i < 20; ++i) track.Add(Of(0.05), rule, now_ms += 1000);
  for (int i = 0; i < 5; ++i) track.Add(Of(0.3), rule, now_ms += 1000);  // not 0.3 s above
  CHECK_FALSE(track.bad());
  rule.objective_seconds = 0.25;
  for (int i = 0; i < 2; ++i) track.Add(Of(0.3), rule, now_ms += 1000);
  CHECK(track.bad());
}

TEST_CASE("a trouble of a day is usual then, and a run that is overdue is not of now") {
  StepTrack track;
  const StepTrack::Rule rule{};
  int64_t now_ms = 1767573000000;
  for (int i = 0; i < 20; ++i) track.Add(Of(0.2), rule, now_ms += kMinute);
  for (int i = 0; i < 60 * 60; ++i) track.Add(Of(2.0), rule, now_ms += kMinute);
  CHECK_FALSE(track.bad());
  CHECK(track.Current(now_ms + 3 * kMinute));
  CHECK_FALSE(track.Current(now_ms + 4 * kMinute));
}

TEST_CASE("counters tell growth over their window and begin anew where they fell") {
  Counters<1> counters(60'000);
  for (int i = 0; i <= 120; ++i) counters.Add(i * 1000, {i * 5.0});
  CHECK(*counters.Grown(0) >= 300);
  CHECK(*counters.Grown(0) <= 330);
  CHECK(*counters.Rate(0) == Approx(5));
  CHECK(*counters.Grown(0, 100'000) <= 100);
  counters.Add(121'000, {0.0});
  CHECK_FALSE(counters.Rate(0));
}

TEST_CASE("a province of 200 sites is looked at within milliseconds") {
  testing::Setting setting;
  setting.sites = 200;
  testing::Province province(setting, 3);
  province.Pass(60);
  province.shared.step_late.fill(4);
  province.Pass(20);
  const auto begin = std::chrono::steady_clock::now();
  const Scene scene = province.MakeScene();
  const auto made = std::chrono::steady_clock::now();
  const auto rulings = Judge(scene);
  const auto judged = std::chrono::steady_clock::now();
  CHECK(rulings.size() == 5);
  const auto ms = [](auto from, auto to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  };
  INFO("scene " << ms(begin, made) << " ms, judging " << ms(made, judged) << " ms");
  CHECK(ms(begin, judged) < 1000);
}
