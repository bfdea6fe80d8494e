#include "core/calendar.h"

#include <catch2/catch.hpp>

using namespace haidang;

namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// Unix milliseconds of a local time in Viet Nam.
int64_t Local(std::string_view day, int64_t hour, int64_t minute = 0) {
  return DayNumber(day).value() * kDay + hour * kHour + minute * kMinute - 7 * kHour;
}

// Monday to Friday, Saturday morning; days off at the end of April 2026, a swapped Saturday and a
// swapped Sunday.
CalendarRules OfficeHours() {
  const std::vector<DayHours> day{{450, 690}, {780, 1020}};
  CalendarRules rules;
  rules.week = {day, day, day, day, day, {{480, 660}}, {}};
  rules.days = {{"2026-04-25", true},
                {"2026-04-26", true},
                {"2026-04-27", false},
                {"2026-04-30", false},
                {"2026-05-01", false}};
  return rules;
}

}  // namespace

TEST_CASE("days are counted from 1970, before it too") {
  CHECK(DayNumber("1970-01-01") == 0);
  CHECK(DayNumber("1970-01-02") == 1);
  CHECK(DayNumber("1969-12-31") == -1);
  CHECK(DayNumber("2000-02-29") == 11016);
  CHECK(DayNumber("2000-03-01") == 11017);
  CHECK(DayNumber("2025-07-01") == 20270);
  CHECK(DayNumber("0000-01-01") == -719528);
  CHECK(DayNumber("9999-12-31") == 2932896);
}

TEST_CASE("what is no day of the Gregorian calendar is none") {
  for (const char* day :
       {"", "2026-04-2", "2026-04-270", "2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01",
        "2026-00-01", "2026-01-00", "2026/04/27", "27-04-2026", "2026-4-27 ", " 026-04-27",
        "+026-04-27", "-026-04-27", "2026-04-2x", "2026-\xC3\x81-27", "2026-0--27"}) {
    INFO(day);
    CHECK_FALSE(DayNumber(day));
  }
  CHECK_FALSE(DayNumber(std::string_view("2026-04-2\0", 10)));
}

TEST_CASE("without hours offices are always open, whatever days are off") {
  CHECK(WorkingTime().At(0));
  CalendarRules rules;
  rules.days = {{"2026-04-30", false}};
  CHECK(WorkingTime(rules).At(Local("2026-04-30", 9)));
}

TEST_CASE("a stretch begins with its first minute and ends before its last") {
  const WorkingTime working(OfficeHours());
  const std::string_view tuesday = "2026-04-28";
  CHECK_FALSE(working.At(Local(tuesday, 7, 30) - 1));
  CHECK(working.At(Local(tuesday, 7, 30)));
  CHECK(working.At(Local(tuesday, 11, 30) - 1));
  CHECK_FALSE(working.At(Local(tuesday, 11, 30)));
  CHECK_FALSE(working.At(Local(tuesday, 13) - 1));
  CHECK(working.At(Local(tuesday, 13)));
  CHECK(working.At(Local(tuesday, 17) - 1));
  CHECK_FALSE(working.At(Local(tuesday, 17)));
}

TEST_CASE("midnight is Viet Nam's, and a day may be open for all of its minutes") {
  CalendarRules rules;
  rules.week.resize(7);
  rules.week[0] = {{0, 1440}};
  const WorkingTime working(rules);
  // Monday 27 April 2026 begins at 17:00 UTC of the Sunday.
  const int64_t begin = 1'777'222'800'000;
  CHECK(begin == Local("2026-04-27", 0));
  CHECK_FALSE(working.At(begin - 1));
  CHECK(working.At(begin));
  CHECK(working.At(begin + kDay - 1));
  CHECK_FALSE(working.At(begin + kDay));
}

TEST_CASE("every weekday has its own hours") {
  const WorkingTime working(OfficeHours());
  // Monday 4 May to Sunday 10 May 2026, no exceptions among them.
  const int64_t monday = Local("2026-05-04", 14);
  for (int day = 0; day < 5; ++day) CHECK(working.At(monday + day * kDay));
  CHECK_FALSE(working.At(Local("2026-05-09", 14)));
  CHECK(working.At(Local("2026-05-09", 8)));
  CHECK_FALSE(working.At(Local("2026-05-10", 9)));
}

TEST_CASE("days off are shut from midnight to midnight, and no other day is") {
  const WorkingTime working(OfficeHours());
  for (const char* day : {"2026-04-27", "2026-04-30", "2026-05-01"}) {
    for (int hour = 0; hour < 24; ++hour) CHECK_FALSE(working.At(Local(day, hour)));
  }
  CHECK(working.At(Local("2026-04-29", 9)));
  CHECK(working.At(Local("2026-05-04", 9)));
}

TEST_CASE("a swapped working day has its weekday's hours, or Monday's where that is shut") {
  const WorkingTime working(OfficeHours());
  // A Saturday: it has hours of its own.
  CHECK_FALSE(working.At(Local("2026-04-25", 7, 30)));
  CHECK(working.At(Local("2026-04-25", 8)));
  CHECK_FALSE(working.At(Local("2026-04-25", 14)));
  // A Sunday: it has none.
  CHECK(working.At(Local("2026-04-26", 7, 30)));
  CHECK(working.At(Local("2026-04-26", 16, 59)));
  CHECK_FALSE(working.At(Local("2026-04-26", 12)));
  CHECK_FALSE(working.At(Local("2026-04-26", 17)));
}

TEST_CASE("times before 1970 have weekdays and exceptions too") {
  CalendarRules rules = OfficeHours();
  rules.days = {{"1969-12-25", false}};
  const WorkingTime working(rules);
  CHECK(working.At(Local("1970-01-01", 8)));  // a Thursday
  CHECK(working.At(Local("1969-12-31", 8)));
  CHECK_FALSE(working.At(Local("1969-12-28", 8)));  // a Sunday
  CHECK(working.At(Local("1969-12-29", 7, 30)));
  CHECK_FALSE(working.At(Local("1969-12-29", 7, 30) - 1));
  CHECK_FALSE(working.At(Local("1969-12-25", 8)));
  CHECK_FALSE(working.At(-1));  // 1970-01-01 06:59:59.999 in Viet Nam
}

TEST_CASE("what is no day that counts is left out of the rules") {
  CalendarRules rules = OfficeHours();
  rules.days = {{"2026-02-30", false}};
  CHECK(WorkingTime(rules).At(Local("2026-05-04", 9)));
}

TEST_CASE("hours of a day are within it and in order") {
  const auto fault = [](const std::vector<DayHours>& hours) {
    const Status checked = CheckHours(hours);
    return checked ? "" : checked.error().message;
  };
  CHECK(fault({}).empty());
  CHECK(fault({{0, 1440}}).empty());
  CHECK(fault({{450, 690}, {690, 1020}}).empty());
  CHECK(fault({{450, 450}}) == "has the stretch 07:30-07:30, which is none of a day");
  CHECK(fault({{690, 450}}) == "has the stretch 11:30-07:30, which is none of a day");
  CHECK(fault({{0, 1441}}) == "has the stretch minutes 0 to 1441, which is none of a day");
  CHECK(fault({{-1, 5}}) == "has the stretch minutes -1 to 5, which is none of a day");
  CHECK(fault({{450, 690}, {689, 1020}}) ==
        "has the stretch 11:29-17:00, which begins before 07:30-11:30 has ended");
  CHECK(fault({{780, 1020}, {450, 690}}).find("begins before") != std::string::npos);
  std::vector<DayHours> many;
  for (int i = 0; i < 8; ++i) many.push_back({i * 10, i * 10 + 5});
  CHECK(fault(many).empty());
  many.push_back({1000, 1001});
  CHECK(fault(many) == "has 9 stretches, more than 8");
}
