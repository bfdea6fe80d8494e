#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/sample.h"

namespace haidang::agent {

// The assignments of an os-release file (os-release(5)), unquoted; other lines are passed over.
std::map<std::string, std::string, std::less<>> ParseOsRelease(std::string_view text);

}  // namespace haidang::agent
