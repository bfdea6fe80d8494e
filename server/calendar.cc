#include "server/calendar.h"

#include <map>
#include <string>
#include <utility>

#include "core/utf8.h"
#include "server/csv.h"

namespace haidang::server {
namespace {

// "07:30" to "24:00" as minutes since midnight.
std::optional<int> ParseTime(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const size_t i : {0, 1, 3, 4}) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (minute > 59 || hour * 60 + minute > kDayMinutes) return std::nullopt;
  return hour * 60 + minute;
}

std::string Quoted(std::string_view text) { return '"' + Printable(text, 32) + '"'; }

}  // namespace

std::optional<DayHours> ParseStretch(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto begin = ParseTime(text.substr(0, dash));
  const auto end = ParseTime(text.substr(dash + 1));
  if (!begin || !end || *begin >= *end) return std::nullopt;
  return DayHours{*begin, *end};
}

std::vector<std::vector<DayHours>> UsualWeek() {
  const std::vector<DayHours> day{{7 * 60 + 30, 11 * 60 + 30}, {13 * 60, 17 * 60}};
  return {day, day, day, day, day, {}, {}};
}

Result<std::vector<CalendarDay>> ParseCalendarDays(std::string_view csv) {
  const Result<CsvTable> table = ParseTable(csv, {"date", "kind"});
  if (!table) return table.error();
  struct Seen {
    size_t line;
    bool working;
  };
  std::map<std::string, Seen> seen;  // as text they stand in the order of time
  for (const CsvRow& row : table->rows) {
    const std::string date = table->columns.Get(row, "date");
    const std::string kind = table->columns.Get(row, "kind");
    if (!DayNumber(date)) {
      return AtLine(row.line, "date: " + Quoted(date) + " is no day; write 2026-04-27");
    }
    if (kind != "off" && kind != "work") {
      return AtLine(row.line, "kind: " + Quoted(kind) +
                                  "; allowed: off (a day off), work (a swapped working day)");
    }
    const auto [first, fresh] = seen.try_emplace(date, Seen{row.line, kind == "work"});
    if (!fresh) {
      return AtLine(row.line, Quoted(date) + " stands in line " +
                                  std::to_string(first->second.line) + " too");
    }
    if (seen.size() > kMaxCalendarDays) {
      return AtLine(row.line, "more than " + std::to_string(kMaxCalendarDays) + " days");
    }
  }
  std::vector<CalendarDay> days;
  days.reserve(seen.size());
  for (const auto& [date, day] : seen) days.push_back({date, day.working});
  return days;
}

}  // namespace haidang::server
