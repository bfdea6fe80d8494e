#include "core/calendar.h"

#include <chrono>
#include <cstdio>

namespace haidang {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kUtcOffsetMs = 7 * kHourMs;
constexpr int64_t kWeekdays = 7;
constexpr int64_t kFirstWeekday = 3;  // 1970-01-01 was a Thursday, counted from Monday

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// "07:30-11:30", or the minutes where they are no times of a day.
std::string Spell(const DayHours& hours) {
  const bool times =
      hours.begin >= 0 && hours.begin <= kDayMinutes && hours.end >= 0 && hours.end <= kDayMinutes;
  char text[48];
  if (times) {
    std::snprintf(text, sizeof text, "%02d:%02d-%02d:%02d", hours.begin / 60, hours.begin % 60,
                  hours.end / 60, hours.end % 60);
  } else {
    std::snprintf(text, sizeof text, "minutes %d to %d", hours.begin, hours.end);
  }
  return text;
}

}  // namespace

Status CheckHours(const std::vector<DayHours>& hours) {
  if (hours.size() > kMaxStretches) {
    return Error{"has " + std::to_string(hours.size()) + " stretches, more than " +
                 std::to_string(kMaxStretches)};
  }
  for (size_t i = 0; i < hours.size(); ++i) {
    if (hours[i].begin < 0 || hours[i].begin >= hours[i].end || hours[i].end > kDayMinutes) {
      return Error{"has the stretch " + Spell(hours[i]) + ", which is none of a day"};
    }
    if (i > 0 && hours[i].begin < hours[i - 1].end) {
      return Error{"has the stretch " + Spell(hours[i]) + ", which begins before " +
                   Spell(hours[i - 1]) + " has ended"};
    }
  }
  return {};
}

std::optional<int64_t> DayNumber(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int parts[3] = {0, 0, 0};
  int part = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      ++part;
    } else if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    } else {
      parts[part] = parts[part] * 10 + (text[i] - '0');
    }
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day).time_since_epoch().count();
}

WorkingTime::WorkingTime(const CalendarRules& rules) : week_(rules.week) {
  for (const CalendarDay& day : rules.days) {
    if (const auto number = DayNumber(day.day)) days_[*number] = day.working;
  }
}

bool WorkingTime::At(int64_t ms) const {
  if (week_.empty()) return true;
  const int64_t day = FloorDivide(ms + kUtcOffsetMs, kDayMs);
  const int64_t minute = (ms + kUtcOffsetMs - day * kDayMs) / kMinuteMs;
  const auto weekday =
      static_cast<size_t>(((day + kFirstWeekday) % kWeekdays + kWeekdays) % kWeekdays);
  const std::vector<DayHours>* hours = weekday < week_.size() ? &week_[weekday] : nullptr;
  if (const auto exception = days_.find(day); exception != days_.end()) {
    if (!exception->second) return false;
    if (hours == nullptr || hours->empty()) hours = week_.data();
  }
  if (hours == nullptr) return false;
  for (const DayHours& stretch : *hours) {
    if (minute >= stretch.begin && minute < stretch.end) return true;
  }
  return false;
}

}  // namespace haidang
