#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/calendar.h"
#include "core/result.h"

// When offices are open, as people write it down.
namespace haidang::server {

// "07:30-11:30", which ends at "24:00" at the latest; nothing where it is no stretch of a day.
std::optional<DayHours> ParseStretch(std::string_view text);

// What holds where a file of days is given and no hours are: Monday to Friday 07:30-11:30 and
// 13:00-17:00, the usual hours of administrative offices.
std::vector<std::vector<DayHours>> UsualWeek();

// date,kind; `kind` is "off" (a day off) or "work" (a swapped working day), further columns are
// ignored. In the order of time. Refused, with the line: what is no day or no kind, a day twice,
// more than kMaxCalendarDays.
Result<std::vector<CalendarDay>> ParseCalendarDays(std::string_view csv);

}  // namespace haidang::server
