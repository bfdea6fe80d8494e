#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::store {

inline constexpr size_t kMaxMatchers = 32;    // of a question
inline constexpr size_t kMaxPattern = 512;    // bytes
inline constexpr size_t kMaxLabelName = 128;  // bytes

// What one label of a series must be. A label that a series does not have is "".
struct Matcher {
  enum class Kind { kEqual, kNotEqual, kGlob, kNotGlob };
  std::string label;
  Kind kind = Kind::kEqual;
  std::string pattern;

  bool Matches(std::string_view value) const;
};

// '*' stands for any text, '?' for one character of UTF-8; there is no escape. Takes at most time
// proportional to the product of both lengths.
bool GlobMatches(std::string_view pattern, std::string_view text);

// "site=06652", "mountpoint!=/", "instance~pc-*", "device!~loop?". An Error says what is wrong.
Result<Matcher> ParseMatcher(std::string_view text);

// [a-zA-Z_][a-zA-Z0-9_]*, of at most kMaxLabelName bytes.
bool IsLabelName(std::string_view text);

}  // namespace haidang::store
