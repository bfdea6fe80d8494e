#include <catch2/catch.hpp>

#include "collector/slo/burn.h"
#include "collector/slo/run_counts.h"
#include "collector/slo/targets.h"

namespace haidang::slo {
namespace {

constexpr int64_t kHour = 3600 * 1000;
constexpr int64_t kDay = 24 * kHour;
// Monday 2026-11-23 00:00 in Viet Nam.
constexpr int64_t kMonday = 1795366800000;
// Monday to Friday 08:00–12:00 and 13:00–17:00.
CalendarRules OfficeHours() {
  CalendarRules rules;
  rules.week.assign(7, {});
  for (size_t day = 0; day < 5; ++day) rules.week[day] = {{480, 720}, {780, 1020}};
  return rules;
}

// Counts up to `now_ms` with `at` of each step, from 30 days before.
template <typename At>
RunCounts Filled(int64_t now_ms, At at) {
  RunCounts counts;
  counts.Advance(now_ms);
  for (int64_t t = counts.oldest_ms(); t <= counts.newest_ms(); t += kBucketMs)
    counts.Put(t, at(t));
  return counts;
}

query::Objective Promise(std::string journey, std::string step, double seconds,
                         std::optional<double> share, std::optional<double> availability) {
  query::Objective objective;
  objective.journey = std::move(journey);
  objective.step = std::move(step);
  objective.seconds = seconds;
  objective.share = share;
  objective.availability = availability;
  return objective;
}

double Burn(const Standing& standing, Window window) {
  const auto& rate = standing.burn[static_cast<size_t>(window)];
  REQUIRE(rate);
  return *rate;
}

}  // namespace

TEST_CASE("steps older than 30 days are forgotten, a clock that goes back changes nothing") {
  RunCounts counts;
  counts.Advance(kMonday);
  counts.Put(kMonday, {1, 2});
  CHECK(counts.At(kMonday).all == 2);
  counts.Put(kMonday + kBucketMs, {1, 1});  // not yet
  CHECK(counts.At(kMonday + kBucketMs).all == 0);
  counts.Put(kMonday - kPeriodMs, {1, 1});  // no longer
  CHECK(counts.At(kMonday).all == 2);
  counts.Advance(kMonday - kDay);
  CHECK(counts.newest_ms() == kMonday);
  counts.Advance(kMonday + kPeriodMs - kBucketMs);
  CHECK(counts.At(kMonday).good == 1);
  counts.Advance(kMonday + kPeriodMs);
  CHECK(counts.At(kMonday).all == 0);
  CHECK(counts.At(kMonday + kPeriodMs).all == 0);
  counts.Advance(kMonday + 100 * kPeriodMs);
  for (int64_t t = counts.oldest_ms(); t <= counts.newest_ms(); t += kBucketMs) {
    REQUIRE(counts.At(t).all == 0);
  }
}

TEST_CASE("without runs nothing is known, and nothing alarms") {
  RunCounts counts;
  counts.Advance(kMonday);
  const Standing standing = Stand(counts, WorkingTime(), 0.95);
  CHECK_FALSE(standing.good_ratio);
  CHECK_FALSE(standing.budget_left_ratio);
  for (const auto& rate : standing.burn) CHECK_FALSE(rate);
  CHECK(standing.alarm == Alarm::kNone);
}

TEST_CASE("budget and burn rates are those of a calculation by hand") {
  // 2 % bad all month against 99 %: twice too fast, budget overdrawn by as much again.
  const auto counts = Filled(kMonday, [](int64_t) { return Runs{49, 50}; });
  const Standing standing = Stand(counts, WorkingTime(), 0.99);
  CHECK(*standing.good_ratio == Approx(0.98));
  CHECK(*standing.budget_left_ratio == Approx(-1));
  for (size_t window = 0; window < kWindows.size(); ++window) {
    CHECK(*standing.burn[window] == Approx(2));
  }
  CHECK(standing.alarm == Alarm::kTicket);
  CHECK(standing.alarm_rate == Approx(2));
}

TEST_CASE("a fast burn pages within minutes and ends with its short window") {
  const int64_t now = kMonday + 10 * kHour;
  const auto since = [&](int64_t begin, int64_t end) {
    return Stand(Filled(now,
                        [&](int64_t t) {
                          return t >= begin && t < end ? Runs{0, 100} : Runs{100, 100};
                        }),
                 WorkingTime(), 0.99);
  };
  // Of 13 steps of an hour: 3 bad are a rate of 23, 1 of 7.7.
  CHECK(since(now - 2 * kBucketMs, now + 1).alarm == Alarm::kPage);
  CHECK(since(now, now + 1).alarm == Alarm::kNone);
  CHECK(since(now - 6 * kBucketMs, now - 2 * kBucketMs).alarm == Alarm::kNone);  // over
  // 10 % for six hours: 10 is above 6, and below 14.4.
  const Standing slow = Stand(Filled(now,
                                     [&](int64_t t) {
                                       return t > now - 7 * kHour ? Runs{90, 100} : Runs{100, 100};
                                     }),
                              WorkingTime(), 0.99);
  CHECK(slow.alarm == Alarm::kPage);
  CHECK(slow.alarm_rate == Approx(10));
}

TEST_CASE("few bad runs are no alarm, and a loose objective pages when nearly all is bad") {
  const int64_t now = kMonday + 10 * kHour;
  const auto all_bad = [&](double each, double target, int64_t from) {
    return Stand(Filled(now,
                        [&](int64_t t) {
                          return t > from ? Runs{0, each} : Runs{each, each};
                        }),
                 WorkingTime(), target);
  };
  CHECK(all_bad(1, 0.99, now - 4 * kBucketMs).alarm == Alarm::kNone);   // 4 bad runs
  CHECK(all_bad(1, 0.99, now - 5 * kBucketMs).alarm == Alarm::kPage);   // 5
  CHECK(all_bad(10, 0.9, now - 9 * kBucketMs).alarm == Alarm::kNone);   // 9 of 13: 69 %
  CHECK(all_bad(10, 0.9, now - 11 * kBucketMs).alarm == Alarm::kPage);  // 11 of 13: 85 %
}

TEST_CASE("time in which offices are closed neither counts nor passes") {
  const WorkingTime office(OfficeHours());
  const int64_t friday_end = kMonday - 2 * kDay - 7 * kHour;  // 17:00
  const auto runs = [&](int64_t t) {
    if (!office.At(t)) return Runs{0, 1000};  // nobody asks what runs at night do
    return t >= friday_end - kHour ? Runs{50, 100} : Runs{100, 100};
  };
  const Standing friday = Stand(Filled(friday_end - 1, runs), office, 0.95);
  CHECK(Burn(friday, Window::k5m) == Approx(10));
  CHECK(Burn(friday, Window::k1h) == Approx(10 * 12. / 13));
  // All of Saturday and Sunday it stands as it stood on Friday evening.
  for (const int64_t at : {friday_end + kHour, kMonday - kDay, kMonday + 8 * kHour - 1}) {
    const Standing later = Stand(Filled(at, runs), office, 0.95);
    CHECK(Burn(later, Window::k5m) == Approx(10));
    CHECK(Burn(later, Window::k6h) == Approx(10 * 12. / 73));
    CHECK(later.alarm == friday.alarm);
  }
  // On Monday morning it is well at once in the short window, and still there in the long one.
  const auto mended = [&](int64_t t) { return t >= kMonday ? Runs{100, 100} : runs(t); };
  const Standing monday = Stand(Filled(kMonday + 8 * kHour + 10 * 60'000, mended), office, 0.95);
  CHECK(Burn(monday, Window::k5m) == Approx(0));
  CHECK(Burn(monday, Window::k1h) == Approx(10 * 10. / 13));
  // 20 working days of 96 steps and three of Monday's; 12 of them were half bad.
  CHECK(*monday.good_ratio == Approx(1 - 6. / 1923));
}

TEST_CASE("three days of working time are a tenth of a month's") {
  const WorkingTime office(OfficeHours());
  const int64_t now = kMonday + 17 * kHour - 1;
  size_t steps = 0;
  RunCounts counts;
  counts.Advance(now);
  for (int64_t t = counts.oldest_ms(); t <= counts.newest_ms(); t += kBucketMs)
    steps += office.At(t);
  // Bad is what lies further back than a tenth.
  size_t back = 0;
  for (int64_t t = counts.newest_ms(); t >= counts.oldest_ms(); t -= kBucketMs) {
    if (!office.At(t)) continue;
    counts.Put(t, back++ < steps / 10 ? Runs{1, 1} : Runs{0, 1});
  }
  const Standing standing = Stand(counts, office, 0.95);
  CHECK(Burn(standing, Window::k3d) == 0);
  CHECK(*standing.good_ratio == Approx(0.1).epsilon(0.01));
}

TEST_CASE("targets: the server's before the collector's own, steps apart, bounded") {
  size_t left_out = 1;
  const auto targets = TargetsOf({Promise("j", "", 3, 0.95, {}), Promise("j", "s", 8, {}, 0.9)},
                                 {Promise("j", "", 3, 0.5, {}), Promise("own", "", 3, {}, 0.99),
                                  Promise("now-only", "", 3, {}, {})},
                                 left_out);
  CHECK(left_out == 0);
  REQUIRE(targets.size() == 3);
  CHECK(targets[0] == Target{"j", "", Kind::kLatency, 0.95, 3, {"s"}});
  CHECK(targets[1] == Target{"j", "s", Kind::kAvailability, 0.9});
  CHECK(targets[2] == Target{"own", "", Kind::kAvailability, 0.99});

  std::vector<query::Objective> many;
  for (int i = 0; i < 70; ++i) {
    many.push_back(Promise(std::to_string(i), "", 3, 0.9, 0.9));
  }
  CHECK(TargetsOf(many, {}, left_out).size() == kMaxTargets);
  CHECK(left_out == 12);
}

}  // namespace haidang::slo
