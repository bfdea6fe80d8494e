#pragma once

#include <string_view>

namespace haidang::agent {

// Whether all of `path` matches: * is any text, "/" too; ? is any one byte; the rest is itself.
// Takes at most pattern × path steps.
bool MatchesUrl(std::string_view pattern, std::string_view path);

}  // namespace haidang::agent
