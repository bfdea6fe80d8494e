#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace haidang {

// In the largest unit that divides it: "90min", "1500ms", "0s".
std::string FormatDuration(std::chrono::milliseconds duration);

// Milliseconds of a number with ms, s, min, h or d ("1.5h", "15 s"); nothing where the text is no
// duration. It may be out of any range, or not finite.
std::optional<double> ParseDuration(std::string_view text);

}  // namespace haidang
