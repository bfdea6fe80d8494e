#include "agent/journey/mask.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/journey/html_form.h"

namespace haidang::agent {
namespace {

// A place in both: so many bytes of the secret are so many of the text.
struct Place {
  size_t secret, text;
  bool operator==(const Place&) const = default;
};

// The hexadecimal number that `digits` is, all of it; -1: none.
int32_t Hex(std::string_view digits, size_t count) {
  if (digits.size() < count) return -1;
  int32_t value = 0;
  for (const char c : digits.substr(0, count)) {
    const char low = static_cast<char>(c | 0x20);
    const bool number = c >= '0' && c <= '9', letter = low >= 'a' && low <= 'f';
    if (!number && !letter) return -1;
    value = value * 16 + (number ? c - '0' : low - 'a' + 10);
  }
  return value;
}

// How long the \uXXXX is that `text` begins with, with its second half where it needs one; what it
// means, as an HTML reference, in `reference`.
size_t JsonPoint(std::string_view text, std::string& reference) {
  if (text.substr(0, 2) != "\\u") return 0;
  int32_t point = Hex(text.substr(2), 4);
  if (point < 0) return 0;
  size_t length = 6;
  if (point >= 0xd800 && point < 0xdc00 && text.substr(6, 2) == "\\u") {
    const int32_t low = Hex(text.substr(8), 4);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    length = 12;
  }
  reference = "&#" + std::to_string(point) + ";";
  return length;
}

char JsonMeaning(char escaped) {
  static constexpr std::string_view kEscaped = "\"\\/bfnrt", kMeaning = "\"\\/\b\f\n\r\t";
  const size_t found = kEscaped.find(escaped);
  return found == kEscaped.npos ? '\0' : kMeaning[found];
}

// Calls step(bytes of the secret, bytes of the text) for each way to read what `text` begins with.
template <typename Step>
void EachReading(std::string_view text, std::string_view secret, Step step) {
  const char c = text.front(), wanted = secret.front();
  if (c == wanted || (c == '+' && wanted == ' ')) step(size_t{1}, size_t{1});
  if (c == '%' && Hex(text.substr(1), 2) == static_cast<unsigned char>(wanted)) {
    step(size_t{1}, size_t{3});
  }
  if (c == '\\' && text.size() > 1 && wanted != '\0' && JsonMeaning(text[1]) == wanted) {
    step(size_t{1}, size_t{2});
  }
  std::string meaning, reference;
  size_t length = 0;
  if (c == '&') length = DecodeHtmlReference(text, meaning);
  if (c == '\\' && (length = JsonPoint(text, reference)) > 0) {
    DecodeHtmlReference(reference, meaning);
  }
  if (length > 0 && secret.substr(0, meaning.size()) == meaning) step(meaning.size(), length);
}

}  // namespace

size_t WrittenLength(std::string_view text, std::string_view secret) {
  size_t longest = 0;
  std::vector<Place> places = {{0, 0}};
  // Places are few: what may be read in two ways is an escape, which is a few bytes long.
  for (size_t next = 0; next < places.size(); ++next) {
    const Place at = places[next];
    if (at.secret == secret.size()) {
      longest = std::max(longest, at.text);
      continue;
    }
    if (at.text == text.size()) continue;
    EachReading(
        text.substr(at.text), secret.substr(at.secret), [&](size_t of_secret, size_t of_text) {
          const Place place{at.secret + of_secret, at.text + of_text};
          const auto known =
              places.end() - static_cast<std::ptrdiff_t>(std::min<size_t>(places.size(), 32));
          if (std::find(known, places.end(), place) == places.end()) places.push_back(place);
        });
  }
  return longest;
}

}  // namespace haidang::agent
