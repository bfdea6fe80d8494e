#pragma once

#include <algorithm>
#include <string_view>

namespace haidang::agent {

// Whether two names are one header's: their case does not count (RFC 9110, 5.1).
inline bool SameHeaderName(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace haidang::agent
