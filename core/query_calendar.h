#pragma once

#include <nlohmann/json.hpp>

#include "core/calendar.h"
#include "core/query_json.h"

// How core/query.cc reads and writes a calendar (core/query.h, EncodeCalendar). Include it in .cc
// files only.
namespace haidang::query {

nlohmann::json ToJson(const CalendarRules& calendar);

// What is absent is empty. A fault: neither no nor seven days of the week, hours that CheckHours
// refuses, days that are none, do not ascend or are more than kMaxCalendarDays.
CalendarRules CalendarFromJson(JsonReader& in);

}  // namespace haidang::query
