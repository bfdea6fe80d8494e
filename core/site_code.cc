#include "core/site_code.h"

#include <string>

#include "core/utf8.h"

namespace haidang {
namespace {

constexpr size_t kMaxBytes = 64;

bool HasControlCharacters(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status CheckSiteCode(std::string_view code) {
  const char* wrong = nullptr;
  if (code.size() > kMaxBytes) {
    wrong = "is longer than 64 bytes";
  } else if (!IsUtf8(code)) {
    wrong = "is not UTF-8";
  } else if (HasControlCharacters(code)) {
    wrong = "has control characters";
  }
  if (wrong == nullptr) return {};
  return Error{std::string(wrong) + "; allowed: the code of a place, such as \"06652\""};
}

}  // namespace haidang
