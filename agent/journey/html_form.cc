#include "agent/journey/html_form.h"

#include <algorithm>
#include <array>
#include <utility>

// The tokenizer of the HTML standard (13.2.5) as far as finding attributes needs it.

namespace haidang::agent {
namespace {

constexpr auto npos = std::string_view::npos;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool IsLetter(char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

// `word` is in lower case.
bool Is(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return Lower(a) == b; });
}

// Elements whose content is text alone, up to their own end tag.
bool HoldsText(std::string_view element) {
  static constexpr std::array<std::string_view, 8> kElements = {
      "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"};
  return std::any_of(kElements.begin(), kElements.end(),
                     [&](std::string_view name) { return Is(element, name); });
}

void AppendUtf8(uint32_t point, std::string& out) {
  if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) point = 0xfffd;
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

int DigitOf(char c, int base) {
  const char low = Lower(c);
  const int digit = low >= '0' && low <= '9' ? low - '0' : IsLetter(low) ? low - 'a' + 10 : base;
  return digit < base ? digit : -1;
}

struct Attribute {
  std::string_view name, value;  // as they stand
};

class Scanner {
 public:
  Scanner(std::string_view html, std::string_view name) : html_(html), name_(name) {}

  std::optional<std::string> Find() {
    while (at_ < html_.size()) {
      at_ = html_.find('<', at_);
      if (at_ == npos || at_ + 1 >= html_.size()) break;
      const char next = html_[at_ + 1];
      if (IsLetter(next)) {
        if (auto value = Element()) return value;
      } else if (html_.substr(at_, 4) == "<!--") {
        SkipComment();
      } else if (next == '!' || next == '?' || next == '/') {
        SkipOther(next);
      } else {
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  void SkipPast(std::string_view what) {
    const size_t end = html_.find(what, at_);
    at_ = end == npos ? html_.size() : end + what.size();
  }

  // A comment ends at "-->" or "--!>"; "<!-->" and "<!--->" are whole ones. What never ends goes to
  // the end of the document.
  void SkipComment() {
    const std::string_view body = html_.substr(at_ + 4);
    if (body.substr(0, 1) == ">" || body.substr(0, 2) == "->") {
      SkipPast(">");
      return;
    }
    for (size_t dashes = at_ + 4; (dashes = html_.find("--", dashes)) != npos; ++dashes) {
      const std::string_view rest = html_.substr(dashes + 2, 2);
      if (rest.substr(0, 1) == ">" || rest == "!>") {
        at_ = dashes + (rest[0] == '>' ? 3 : 4);
        return;
      }
    }
    at_ = html_.size();
  }

  void SkipOther(char kind) {
    at_ += 2;
    if (kind != '/' || at_ >= html_.size() || !IsLetter(html_[at_])) {
      SkipPast(">");
      return;
    }
    TagName();  // an end tag may have attributes, in whose quotes a > ends nothing
    while (NextAttribute()) {
    }
  }

  std::string_view TagName() {
    const size_t begin = at_;
    while (at_ < html_.size() && !IsSpace(html_[at_]) && html_[at_] != '/' && html_[at_] != '>') {
      ++at_;
    }
    return html_.substr(begin, at_ - begin);
  }

  void SkipSpaces() {
    while (at_ < html_.size() && IsSpace(html_[at_])) ++at_;
  }

  // The tag's next attribute; none where the tag ends (its > is passed) or the document does.
  std::optional<Attribute> NextAttribute() {
    while (at_ < html_.size() && (IsSpace(html_[at_]) || html_[at_] == '/')) ++at_;
    if (at_ >= html_.size()) {
      cut_ = true;
      return std::nullopt;
    }
    if (html_[at_] == '>') {
      ++at_;
      return std::nullopt;
    }
    const size_t begin = at_++;  // an = here is the name's first character
    while (at_ < html_.size() && !IsSpace(html_[at_]) && html_[at_] != '/' && html_[at_] != '>' &&
           html_[at_] != '=') {
      ++at_;
    }
    Attribute attribute{html_.substr(begin, at_ - begin), {}};
    SkipSpaces();
    if (at_ < html_.size() && html_[at_] == '=') {
      ++at_;
      SkipSpaces();
      attribute.value = Value();
    }
    return attribute;
  }

  std::string_view Value() {
    if (at_ >= html_.size()) return {};
    const char quote = html_[at_];
    if (quote == '"' || quote == '\'') {
      const size_t begin = ++at_;
      const size_t end = html_.find(quote, begin);
      at_ = end == npos ? html_.size() : end + 1;
      cut_ = cut_ || end == npos;
      return html_.substr(begin, end == npos ? npos : end - begin);
    }
    const size_t begin = at_;
    while (at_ < html_.size() && !IsSpace(html_[at_]) && html_[at_] != '>') ++at_;
    return html_.substr(begin, at_ - begin);
  }

  // The tag that begins here; its value where it is the one.
  std::optional<std::string> Element() {
    ++at_;
    const std::string_view element = TagName();
    const bool input = Is(element, "input"), meta = Is(element, "meta");
    std::optional<std::string_view> name, value;
    while (const auto attribute = NextAttribute()) {
      // Of two with one name the first counts.
      if (!name && Is(attribute->name, "name")) name = attribute->value;
      if (!value && Is(attribute->name, input ? "value" : "content")) value = attribute->value;
    }
    if (cut_) return std::nullopt;  // the document ends within the tag: it is none
    if ((input || meta) && name && DecodeHtmlText(*name) == name_) {
      return DecodeHtmlText(value.value_or(""));
    }
    if (Is(element, "plaintext")) at_ = html_.size();
    if (HoldsText(element)) SkipText(element);
    return std::nullopt;
  }

  void SkipText(std::string_view element) {
    while (at_ < html_.size()) {
      at_ = html_.find("</", at_);
      if (at_ == npos) break;
      at_ += 2;
      const size_t end = at_ + element.size();
      if (end >= html_.size()) break;
      const bool ends = IsSpace(html_[end]) || html_[end] == '/' || html_[end] == '>';
      const std::string_view there = html_.substr(at_, element.size());
      if (ends && std::equal(there.begin(), there.end(), element.begin(),
                             [](char a, char b) { return Lower(a) == Lower(b); })) {
        at_ -= 2;
        return;
      }
    }
    at_ = html_.size();
  }

  std::string_view html_;
  std::string_view name_;
  size_t at_ = 0;
  bool cut_ = false;
};

}  // namespace

size_t DecodeHtmlReference(std::string_view text, std::string& out) {
  struct Named {
    std::string_view name, meaning;
  };
  static constexpr std::array<Named, 6> kNamed = {{{"&amp;", "&"},
                                                   {"&lt;", "<"},
                                                   {"&gt;", ">"},
                                                   {"&quot;", "\""},
                                                   {"&apos;", "'"},
                                                   {"&nbsp;", "\xc2\xa0"}}};
  for (const Named& named : kNamed) {
    if (text.substr(0, named.name.size()) != named.name) continue;
    out += named.meaning;
    return named.name.size();
  }
  if (text.substr(0, 2) != "&#") return 0;
  const bool hex = text.size() > 2 && Lower(text[2]) == 'x';
  const int base = hex ? 16 : 10;
  const size_t digits = hex ? 3 : 2;
  size_t at = digits;
  uint32_t point = 0;
  for (; at < text.size() && DigitOf(text[at], base) >= 0; ++at) {
    point = std::min<uint32_t>(
        point * static_cast<uint32_t>(base) + static_cast<uint32_t>(DigitOf(text[at], base)),
        0x110000);
  }
  if (at == digits) return 0;
  AppendUtf8(point, out);
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

std::string DecodeHtmlText(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find('&', at), text.size());
    out += text.substr(at, next - at);
    at = next;
    if (at == text.size()) break;
    const size_t length = DecodeHtmlReference(text.substr(at), out);
    if (length == 0) out += '&';
    at += std::max<size_t>(length, 1);
  }
  return out;
}

std::optional<std::string> FindFormField(std::string_view html, std::string_view name) {
  return Scanner(html, name).Find();
}

}  // namespace haidang::agent
