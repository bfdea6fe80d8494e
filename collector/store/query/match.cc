#include "collector/store/query/match.h"

#include <algorithm>

#include "core/utf8.h"

namespace haidang::store {
namespace {

constexpr size_t kMaxShown = 64;  // bytes of what is wrong

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Where the character that begins at `at` ends.
size_t EndOfCharacter(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && IsContinuation(text[at])) ++at;
  return at;
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view text) {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0, t = 0;
  size_t star = kNone, star_text = 0;  // the last '*', and where what follows it is tried
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = EndOfCharacter(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != kNone) {
      p = star + 1;
      star_text = EndOfCharacter(text, star_text);
      t = star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == kNone;
}

bool Matcher::Matches(std::string_view value) const {
  switch (kind) {
    case Kind::kEqual:
      return value == pattern;
    case Kind::kNotEqual:
      return value != pattern;
    case Kind::kGlob:
      return GlobMatches(pattern, value);
    case Kind::kNotGlob:
      break;
  }
  return !GlobMatches(pattern, value);
}

bool IsLabelName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelName && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), IsNameByte);
}

Result<Matcher> ParseMatcher(std::string_view text) {
  const auto name_end = std::find_if_not(text.begin(), text.end(), IsNameByte);
  const auto size = static_cast<size_t>(name_end - text.begin());
  Matcher matcher;
  matcher.label = text.substr(0, size);
  std::string_view rest = text.substr(size);
  const bool negated = rest.starts_with('!');
  if (negated) rest.remove_prefix(1);
  if (!IsLabelName(matcher.label) || rest.empty() || (rest[0] != '=' && rest[0] != '~')) {
    return Error{Printable(std::string(text), kMaxShown) +
                 " is no matcher; allowed: LABEL=TEXT, LABEL!=TEXT, LABEL~GLOB, LABEL!~GLOB"};
  }
  const bool glob = rest[0] == '~';
  matcher.kind = glob ? (negated ? Matcher::Kind::kNotGlob : Matcher::Kind::kGlob)
                      : (negated ? Matcher::Kind::kNotEqual : Matcher::Kind::kEqual);
  rest.remove_prefix(1);
  if (rest.size() > kMaxPattern) {
    return Error{matcher.label + ": the text to match is too long; allowed: " +
                 std::to_string(kMaxPattern) + " bytes"};
  }
  if (!IsUtf8(rest)) return Error{matcher.label + ": the text to match is not UTF-8"};
  matcher.pattern = rest;
  return matcher;
}

}  // namespace haidang::store
