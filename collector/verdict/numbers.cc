#include "collector/verdict/numbers.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <string>

namespace haidang::verdict::say {

using query::Sentence;

namespace {

std::string Comma(std::string text) {
  std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

}  // namespace

Sentence Seconds(double seconds) {
  if (seconds < 0.0995) {
    const std::string text = fmt::format("{:.0f} ms", seconds * 1000);
    return {text, text};
  }
  const std::string number = fmt::format("{:.{}f}", seconds, seconds < 9.95 ? 1 : 0);
  return {Comma(number) + " giây", number + " s"};
}

Sentence Span(double seconds) {
  const auto of = [seconds](double unit, const char* vi, const char* en) {
    const std::string number = fmt::format("{:.0f} ", seconds / unit);
    return Sentence{number + vi, number + en};
  };
  if (seconds < 120) return Seconds(seconds);
  if (seconds < 2 * 3600) return of(60, "phút", "minutes");
  return seconds < 2 * 86400 ? of(3600, "giờ", "hours") : of(86400, "ngày", "days");
}

Sentence Percent(double ratio) {
  const std::string text = fmt::format("{:.0f} %", std::clamp(ratio, 0.0, 1.0) * 100);
  return {text, text};
}

Sentence Time(int64_t wall_ms, int64_t now_ms) {
  constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
  constexpr int64_t kZoneMs = int64_t{7} * 3600 * 1000;
  const int64_t local = wall_ms + kZoneMs, minutes = local / 60'000 % (24 * 60);
  const std::string clock = fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
  const int64_t days = (now_ms + kZoneMs) / kDayMs - local / kDayMs;
  if (days <= 0) return {clock, clock};
  if (days == 1) return {clock + " hôm qua", clock + " yesterday"};
  return {fmt::format("{} cách đây {} ngày", clock, days),
          fmt::format("{}, {} days ago,", clock, days)};
}

}  // namespace haidang::verdict::say
