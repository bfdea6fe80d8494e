#pragma once

#include <string>
#include <string_view>

namespace haidang::onestop {

// Vietnamese text without case and diacritics: "Nguyễn Thị Đào" becomes "nguyen thi dao". Bytes
// that are not UTF-8 and other scripts stay as they are.
std::string Fold(std::string_view text);

// For text and double-quoted attributes in HTML.
std::string EscapeHtml(std::string_view text);

// `n` random bytes from the operating system as hex digits.
std::string RandomHex(int n);

}  // namespace haidang::onestop
