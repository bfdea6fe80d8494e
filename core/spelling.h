#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace haidang {

// The word of `allowed` that was probably meant by `word`: at most one letter in three differs, and
// capitals do not count; "" where none is near.
std::string NearestWord(std::string_view word, const std::vector<std::string>& allowed);

}  // namespace haidang
