#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/slo/run_counts.h"
#include "core/calendar.h"

// How an objective is kept, over working time (docs/objectives.md). Pure.
namespace haidang::slo {

// Each ends now and holds so much working time; the time in between does not count.
enum class Window : uint8_t { k5m, k30m, k1h, k6h, k3d, k30d };
inline constexpr std::array<std::string_view, 6> kWindows = {"5m", "30m", "1h", "6h", "3d", "30d"};

enum class Alarm : uint8_t { kNone, kTicket, kPage };
std::string_view ToString(Alarm alarm);  // "", "ticket", "page"

struct Standing {
  std::optional<double> good_ratio;         // over 30 days; absent: no run
  std::optional<double> budget_left_ratio;  // 1: unused, 0: used up, below 0: overdrawn
  // By window. 1: the budget is used up just at the end of 30 days. Absent: no run.
  std::array<std::optional<double>, kWindows.size()> burn;
  Alarm alarm = Alarm::kNone;
  double alarm_rate = 0;  // of the alarm's long window
};

// `target`: the share of runs that has to be good, in (0, 1).
Standing Stand(const RunCounts& counts, const WorkingTime& working, double target);

}  // namespace haidang::slo
