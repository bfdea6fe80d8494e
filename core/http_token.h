#pragma once

#include <algorithm>
#include <string_view>

namespace haidang {

// Whether `text` is a token of HTTP (RFC 9110, 5.6.2), as names of methods, headers and cookies
// are.
inline bool IsHttpToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

}  // namespace haidang
