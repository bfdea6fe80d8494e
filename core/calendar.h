#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// When offices are open: working hours by day of the week, days off, swapped working days. Local
// time is Viet Nam's, UTC+7 all year.
namespace haidang {

inline constexpr int kDayMinutes = 1440;

// Minutes since midnight, begin < end ≤ kDayMinutes.
struct DayHours {
  int begin = 0;
  int end = 0;
  bool operator==(const DayHours&) const = default;
};

struct CalendarDay {
  std::string day;       // "2026-04-27"
  bool working = false;  // a swapped working day, else a day off
  bool operator==(const CalendarDay&) const = default;
};

struct CalendarRules {
  // By day of the week, Monday first; an empty list: shut.
  std::vector<std::vector<DayHours>> week;
  std::vector<CalendarDay> days;  // exceptions, ascending
  bool operator==(const CalendarRules&) const = default;
};

// What rules that come from outside may hold at most.
inline constexpr size_t kMaxStretches = 8;  // of a day
inline constexpr size_t kMaxCalendarDays = 4096;

// An Error says which stretch is none of a day, begins before the one before it ends, or is one too
// many.
Status CheckHours(const std::vector<DayHours>& hours);

// "2026-04-27" as days since 1970-01-01; nothing where it is no day of the Gregorian calendar.
std::optional<int64_t> DayNumber(std::string_view text);

// Whether offices are open. Rules without a week: always. A value; cheap to ask, days in any order.
class WorkingTime {
 public:
  explicit WorkingTime(const CalendarRules& rules = {});
  // `ms`: Unix milliseconds UTC. A swapped working day has the hours of its weekday, or Monday's
  // where that is shut.
  bool At(int64_t ms) const;

 private:
  std::vector<std::vector<DayHours>> week_;
  std::map<int64_t, bool> days_;  // by days since 1970: a working day, else off
};

}  // namespace haidang
