#pragma once

#include <string>
#include <string_view>

namespace haidang::agent {

// RFC 3986: all but unreserved characters as %XX.
std::string PercentEncode(std::string_view text);

// application/x-www-form-urlencoded (WHATWG): blanks as +.
std::string FormEncode(std::string_view text);

// The inside of a JSON string; malformed UTF-8 becomes U+FFFD.
std::string JsonEscape(std::string_view text);

}  // namespace haidang::agent
