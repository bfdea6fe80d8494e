#include "server/calendar.h"

#include <catch2/catch.hpp>
#include <cstdio>

#include "server/csv.h"

using namespace haidang;
using namespace haidang::server;

namespace {

std::string Refusal(std::string_view csv) {
  const auto days = ParseCalendarDays(csv);
  REQUIRE_FALSE(days.ok());
  return days.error().message;
}

// Unix milliseconds of a local hour in Viet Nam.
int64_t Local(std::string_view day, int64_t hour) {
  return (DayNumber(day).value() * 24 + hour - 7) * 3'600'000;
}

}  // namespace

TEST_CASE("a stretch of a day is two times") {
  CHECK(ParseStretch("07:30-11:30") == DayHours{450, 690});
  CHECK(ParseStretch("00:00-24:00") == DayHours{0, 1440});
  CHECK(ParseStretch("23:59-24:00") == DayHours{1439, 1440});
  for (const char* text : {"", "07:30", "24:00-24:00", "00:00-24:01", "07:60-08:00", "8:00-9:00"}) {
    INFO(text);
    CHECK_FALSE(ParseStretch(text));
  }
}

TEST_CASE("the packaged file of public holidays is read, with the hours that go with it") {
  const auto text =
      ReadFile(HAIDANG_SOURCE_DIR "/packaging/data/calendar/vn-holidays-2024-2027.csv", 1 << 20);
  REQUIRE(text.ok());
  auto days = ParseCalendarDays(*text);
  if (!days) FAIL(days.error().message);
  CHECK(days->size() == 66);
  CHECK(days->front() == CalendarDay{"2024-01-01", false});
  CHECK(days->back() == CalendarDay{"2027-11-24", false});
  const WorkingTime working(CalendarRules{UsualWeek(), std::move(*days)});
  CHECK_FALSE(working.At(Local("2026-04-27", 9)));
  CHECK(working.At(Local("2026-04-28", 9)));
  CHECK_FALSE(working.At(Local("2026-04-28", 12)));
  CHECK(working.At(Local("2026-08-22", 9)));  // a Saturday, swapped for 31 August
  CHECK_FALSE(working.At(Local("2026-08-31", 9)));
  CHECK_FALSE(working.At(Local("2026-08-29", 9)));
}

TEST_CASE("days may stand in any order, columns too, as spreadsheets write them") {
  const auto days = ParseCalendarDays(
      "\xEF\xBB\xBFname_vi,kind,date\r\n\"Giỗ Tổ, nghỉ bù\",\"off\",2026-04-27\r\n"
      ",work,2026-04-26\r\n");
  REQUIRE(days.ok());
  CHECK(*days == std::vector<CalendarDay>{{"2026-04-26", true}, {"2026-04-27", false}});
  CHECK(ParseCalendarDays("date,kind\n")->empty());
}

TEST_CASE("what is no calendar is refused with its line") {
  CHECK(Refusal("") == "empty; the first line must name the columns");
  CHECK(Refusal("2026-04-27,off\n") == "line 1: the column \"date\" is missing");
  CHECK(Refusal("date,name\n") == "line 1: the column \"kind\" is missing");
  CHECK(Refusal("date,kind\n2026-04-27\n") ==
        "line 2: kind: \"\"; allowed: off (a day off), work (a swapped working day)");
  CHECK(Refusal("date,kind\n2026-04-27,nghỉ\n") ==
        "line 2: kind: \"nghỉ\"; allowed: off (a day off), work (a swapped working day)");
  CHECK(Refusal("date,kind\n2026-04-27,off\n27/04/2026,off\n") ==
        "line 3: date: \"27/04/2026\" is no day; write 2026-04-27");
  CHECK(Refusal("date,kind\n2026-02-29,off\n") ==
        "line 2: date: \"2026-02-29\" is no day; write 2026-04-27");
  CHECK(Refusal("date,kind\n2026-04-27,off\n\n2026-04-27,work\n") ==
        "line 4: \"2026-04-27\" stands in line 2 too");
  CHECK(Refusal("date,kind\n2026-04-27,off,x\n") == "line 2: more fields than columns");

  std::string many = "date,kind\n";
  for (int i = 0; i < 4097; ++i) {
    char day[16];
    std::snprintf(day, sizeof day, "%04d-%02d-%02d", 2000 + i / 336, i / 28 % 12 + 1, i % 28 + 1);
    many += std::string(day) + ",off\n";
  }
  CHECK(Refusal(many) == "line 4098: more than 4096 days");
  many.resize(many.size() - std::string_view("2000-01-01,off\n").size());
  CHECK(ParseCalendarDays(many)->size() == 4096);
}
