#include "tests/support/onestop/text.h"

#include <openssl/rand.h>

#include <cstdint>
#include <stdexcept>

namespace haidang::onestop {
namespace {

// The base letter of each code point that Vietnamese uses; '.' where it uses none.
constexpr std::string_view kFrom00C0 =
    "aaaa....eee.ii....oooo...uu..y..aaaa....eee.ii....oooo...uu..y....aa............"
    "dd......................ii......................................................"
    "........uu......................................................oo.............u"
    "u";
constexpr std::string_view kFrom1EA0 =
    "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu"
    "uuyyyyyyyy";

char BaseLetter(uint32_t code) {
  char letter = '.';
  if (code >= 0xC0 && code < 0xC0 + kFrom00C0.size()) letter = kFrom00C0[code - 0xC0];
  if (code >= 0x1EA0 && code < 0x1EA0 + kFrom1EA0.size()) letter = kFrom1EA0[code - 0x1EA0];
  return letter;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }
uint32_t Low6(char c) { return static_cast<unsigned char>(c) & 0x3FU; }

// Length of the UTF-8 sequence of two or three bytes at `at` and its code point; 0 where there is
// none.
size_t Sequence(std::string_view text, size_t at, uint32_t& code) {
  const auto first = static_cast<unsigned char>(text[at]);
  if ((first & 0xE0U) == 0xC0 && at + 1 < text.size() && IsContinuation(text[at + 1])) {
    code = (first & 0x1FU) << 6U | Low6(text[at + 1]);
    return 2;
  }
  if ((first & 0xF0U) == 0xE0 && at + 2 < text.size() && IsContinuation(text[at + 1]) &&
      IsContinuation(text[at + 2])) {
    code = (first & 0x0FU) << 12U | Low6(text[at + 1]) << 6U | Low6(text[at + 2]);
    return 3;
  }
  return 0;
}

}  // namespace

std::string Fold(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    uint32_t code = 0;
    const size_t length = Sequence(text, at, code);
    if (length == 0) {
      folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      ++at;
      continue;
    }
    const char letter = BaseLetter(code);
    const bool combining_mark = code >= 0x300 && code < 0x370;  // decomposed text
    if (letter != '.') {
      folded += letter;
    } else if (!combining_mark) {
      folded += text.substr(at, length);
    }
    at += length;
  }
  return folded;
}

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string RandomHex(int n) {
  std::string bytes(static_cast<size_t>(n), '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), n) != 1) {
    throw std::runtime_error("the operating system gives no random bytes");
  }
  std::string hex;
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4U];
    hex += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

}  // namespace haidang::onestop
