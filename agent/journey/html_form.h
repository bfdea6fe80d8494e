#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace haidang::agent {

// The value that a form would send back under `name`: of the first <input name=… value=…> of any
// type or <meta name=… content=…>, in the document's order, whatever the order, case and quotes of
// the attributes; character references are decoded, to UTF-8. Empty where the value is empty or
// missing; none where no such element stands there. What is in comments, scripts, styles,
// textareas, titles and the like is no element. Names are compared exactly, after decoding.
//
// Takes any bytes, in time linear in html.size(), and keeps at most that many.
std::optional<std::string> FindFormField(std::string_view html, std::string_view name);

// `text` with HTML's character references (numeric ones, and amp lt gt quot apos nbsp) decoded;
// others stay as they are.
std::string DecodeHtmlText(std::string_view text);

// How long the character reference is that `text` begins with, its meaning appended to `out`; 0: it
// begins with none of those above.
size_t DecodeHtmlReference(std::string_view text, std::string& out);

}  // namespace haidang::agent
