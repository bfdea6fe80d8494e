#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// A JSON pointer (RFC 6901), its reference tokens unescaped: "/data/ton~1dong/0" is data, ton/dong,
// 0. Empty: the whole document.
using JsonPointer = std::vector<std::string>;

// An Error where `text` is no pointer, is longer than 512 bytes or has more than 16 tokens.
Result<JsonPointer> ParseJsonPointer(std::string_view text);

// What stands at a pointer.
struct JsonNumber {
  std::optional<double> number;           // finite; true is 1, false 0; "12.5" is 12.5
  std::string_view why = "is not there";  // there is none; static
};

inline constexpr size_t kMaxJsonPointers = 32;

// What stands at each of `pointers`, in their order; of a key that an object has twice the later
// one counts. An Error where `text` is no JSON (RFC 8259) or is nested deeper than 64. Reads `text`
// once and keeps nothing of it: memory is bounded by its longest string. Required: pointers.size()
// <= kMaxJsonPointers.
Result<std::vector<JsonNumber>> PickJsonNumbers(std::string_view text,
                                                const std::vector<JsonPointer>& pointers);

}  // namespace haidang::agent
