#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journey/regex.h"
#include "agent/sources/json_pick.h"
#include "core/result.h"

// Values taken out of an answer, and what an answer's JSON must say. No I/O; any thread.
namespace haidang::agent {

enum class TakeFrom { kField, kRegex, kJson, kHeader, kCookie };

// Made by MakeTakeRule. Copies share the compiled pattern.
struct TakeRule {
  std::string name;  // of the variable
  TakeFrom from = TakeFrom::kField;
  std::string what;  // field, pattern, pointer, header or cookie, as configured
  JsonPointer pointer = {};
  std::shared_ptr<const Regex> regex = {};
};

inline constexpr size_t kMaxTakenBytes = 8192;  // of a value

// The Error says what is wrong with `what` and what is allowed; the name is the caller's to check
// (IsVariableName).
Result<TakeRule> MakeTakeRule(std::string name, TakeFrom from, std::string what);

// What an answer brought, valid during the call.
struct TakeAnswer {
  std::string_view body;     // decompressed
  std::string_view headers;  // as received, lines ending in CRLF or LF; of several answers one
                             // after the other (redirects, 100 Continue) the last one counts
  std::span<const std::string> cookies;  // lines of CURLINFO_COOKIELIST (Netscape's format)
};

// The value, at most kMaxTakenBytes and without NUL. Of JSON: a text's content; a number, true,
// false as JSON writes them. Of headers with one name the first, of cookies the last. The Error is
// for people, in English, without any of the answer's bytes ("the page has no field \"sectok\"").
Result<std::string> Take(const TakeRule& rule, const TakeAnswer& answer);

// That a JSON answer holds `value` at `pointer`. Made by MakeJsonExpectation.
struct JsonExpectation {
  JsonPointer pointer;
  std::string pointer_text;
  std::string value;  // JSON text, compact
};

// `value` is JSON text of at most 4 KiB: true, 3, "ok", {"a":[1]}.
Result<JsonExpectation> MakeJsonExpectation(std::string_view pointer, std::string_view value);

// The Error says which one is not met, without any of the answer's bytes. Numbers are equal by
// value (1 is 1.0), objects in any order of their keys. Memory: some kilobytes beyond the body's
// longest string, whatever the body is.
Status CheckJson(std::string_view body, std::span<const JsonExpectation> expectations);

}  // namespace haidang::agent
