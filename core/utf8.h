#pragma once

#include <string>
#include <string_view>

namespace haidang {

// Well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool IsUtf8(std::string_view text);

// `text` with each malformed byte replaced by U+FFFD, cut at a character's edge to at most
// `max_bytes`. For text from outside (plug-ins, system calls) that must stay printable.
std::string ToUtf8(std::string_view text, size_t max_bytes);

// As ToUtf8, control characters as '?': what a stranger sent, made fit for a line of log.
std::string Printable(std::string_view text, size_t max_bytes = 200);

}  // namespace haidang
