#include "agent/sources/url_pattern.h"

#include <cstddef>

namespace haidang::agent {

bool MatchesUrl(std::string_view pattern, std::string_view path) {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0;
  size_t at = 0;
  size_t star = kNone;  // the newest *, which takes up what stands from `taken` to `at`
  size_t taken = 0;
  while (at < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = at;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == path[at])) {
      ++p;
      ++at;
    } else if (star != kNone) {
      p = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace haidang::agent
