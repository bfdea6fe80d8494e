#pragma once

#include <string_view>

#include "core/result.h"

namespace haidang {

// Whether `code` can be the code of a place: UTF-8 of at most 64 bytes without control characters;
// "" is no place. The Error says what is wrong and what is allowed.
Status CheckSiteCode(std::string_view code);

}  // namespace haidang
