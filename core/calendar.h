#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

// When offices are open: working hours by day of the week, days off, swapped working days. Local
// time is Viet Nam's, UTC+7 all year.
namespace haidang {

// Minutes since midnight, begin < end ≤ 1440.
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

}  // namespace haidang
