#include "agent/journey/encode.h"

#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr char kLowHex[] = "0123456789abcdef";

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string Encode(std::string_view text, std::string_view also_plain) {
  std::string out;
  for (const char c : text) {
    if (IsAlphanumeric(c) || also_plain.find(c) != also_plain.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace

std::string PercentEncode(std::string_view text) { return Encode(text, "-._~"); }

std::string FormEncode(std::string_view text) {
  std::string out = Encode(text, "*-._ ");
  for (char& c : out) {
    if (c == ' ') c = '+';
  }
  return out;
}

std::string JsonEscape(std::string_view text) {
  std::string out;
  for (const char c : IsUtf8(text) ? std::string(text) : ToUtf8(text, 3 * text.size())) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kLowHex[byte >> 4];
      out += kLowHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace haidang::agent
