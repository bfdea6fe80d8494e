#include "core/query_calendar.h"

#include <utility>

namespace haidang::query {
namespace {

using nlohmann::json;

constexpr size_t kWeekdays = 7;
constexpr char kHours[] = "must be seven arrays of [begin,end] in minutes";

std::optional<int> ToMinutes(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto minutes = value.get<int64_t>();
  if (minutes < 0 || minutes > kDayMinutes) return std::nullopt;
  return static_cast<int>(minutes);
}

std::optional<DayHours> StretchFromJson(const json& pair) {
  if (!pair.is_array() || pair.size() != 2) return std::nullopt;
  const auto begin = ToMinutes(pair[0]);
  const auto end = ToMinutes(pair[1]);
  if (!begin || !end) return std::nullopt;
  return DayHours{*begin, *end};
}

void ReadWeek(JsonReader& in, CalendarRules& rules) {
  const json* week = in.Array("week");
  if (week == nullptr || week->empty()) return;
  if (week->size() != kWeekdays) return in.Fault("week", kHours);
  for (const json& day : *week) {
    if (!day.is_array()) return in.Fault("week", kHours);
    std::vector<DayHours> hours;
    for (const json& pair : day) {
      const auto stretch = StretchFromJson(pair);
      if (!stretch) return in.Fault("week", kHours);
      hours.push_back(*stretch);
    }
    if (const Status checked = CheckHours(hours); !checked) {
      return in.Fault("week", checked.error().message);
    }
    rules.week.push_back(std::move(hours));
  }
}

CalendarDay DayFromJson(JsonReader& in) {
  CalendarDay day;
  day.day = in.Text("day");
  day.working = in.Bool("working");
  if (!DayNumber(day.day)) in.Fault("day", "is no day such as 2026-04-27");
  return day;
}

void ReadDays(JsonReader& in, CalendarRules& rules) {
  const json* days = in.Array("days");
  if (days != nullptr && days->size() > kMaxCalendarDays) {
    return in.Fault("days", "more than " + std::to_string(kMaxCalendarDays));
  }
  rules.days = in.List<CalendarDay>("days", DayFromJson);
  for (size_t i = 1; i < rules.days.size(); ++i) {
    // As text they stand in the order of time.
    if (rules.days[i].day <= rules.days[i - 1].day) return in.Fault("days", "must ascend");
  }
}

}  // namespace

json ToJson(const CalendarRules& calendar) {
  json week = json::array();
  for (const std::vector<DayHours>& hours : calendar.week) {
    json day = json::array();
    for (const DayHours& stretch : hours) day.push_back(json::array({stretch.begin, stretch.end}));
    week.push_back(std::move(day));
  }
  json days = json::array();
  for (const CalendarDay& day : calendar.days) {
    days.push_back({{"day", day.day}, {"working", day.working}});
  }
  return {{"week", std::move(week)}, {"days", std::move(days)}};
}

CalendarRules CalendarFromJson(JsonReader& in) {
  CalendarRules rules;
  ReadWeek(in, rules);
  ReadDays(in, rules);
  return rules;
}

}  // namespace haidang::query
