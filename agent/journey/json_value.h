#pragma once

#include <string>
#include <string_view>

#include "agent/sources/json_pick.h"
#include "core/result.h"

namespace haidang::agent {

enum class JsonKind { kMissing, kNull, kTrueFalse, kNumber, kText, kShape, kTooLarge };

// What stands at a pointer.
struct JsonValue {
  JsonKind kind = JsonKind::kMissing;
  std::string json;  // its JSON text, compact; numbers as the document writes them, but integers
                     // without leading minus zero; empty where it is missing or too large
  std::string text;  // of a text: its content
};

// Of a key that an object has twice the later one counts. An Error where `text` is no JSON (RFC
// 8259) or is nested deeper than 64. Reads `text` once; memory is bounded by its longest string and
// by `max_bytes`, beyond which a value is kTooLarge.
Result<JsonValue> PickJsonValue(std::string_view text, const JsonPointer& pointer,
                                size_t max_bytes);

}  // namespace haidang::agent
