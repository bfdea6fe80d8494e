#include "agent/journey/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/journey/encode.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxTextBytes = 64U << 10;  // of the template itself
constexpr std::string_view kSecret = "secret.";
constexpr char kAllowed[] =
    "; allowed: {name} of a value taken before, {secret.name}, and {{ or }} for braces";

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// "token" or "secret.canbo".
bool IsReference(std::string_view text) {
  if (text.substr(0, kSecret.size()) == kSecret) text.remove_prefix(kSecret.size());
  return IsVariableName(text);
}

// What JSON may hold outside of a string without another shape. The parser takes NUL for the end.
bool IsJsonScalar(std::string_view text) {
  if (text.find('\0') != text.npos) return false;
  const auto value = nlohmann::json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() || value.is_null();
}

// Where the path or query of a URL begins; npos where there is none.
size_t PathOf(std::string_view url) {
  const size_t authority = url.find("://");
  return authority == url.npos ? url.npos : url.find_first_of("/?", authority + 3);
}

}  // namespace

bool IsVariableName(std::string_view name) {
  const auto allowed = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= kMaxNameBytes && !IsDigit(name.front()) &&
         name.front() != '-' && std::all_of(name.begin(), name.end(), allowed);
}

// Splits a text into its pieces.
class TemplateParser {
 public:
  TemplateParser(std::string_view text, TemplateUse use) : text_(text) { made_.use_ = use; }

  Result<Template> Parse() {
    if (text_.size() > kMaxTextBytes) {
      return Error{fmt::format("has {} bytes; allowed: at most {}", text_.size(), kMaxTextBytes)};
    }
    if (text_.find('\0') != text_.npos) return Error{"has a zero byte; allowed: text"};
    const Status split = made_.use_ == TemplateUse::kJson ? SplitJson() : Split();
    if (!split) return split.error();
    Flush();
    const Status fit = Check();
    if (!fit) return fit.error();
    return std::move(made_);
  }

 private:
  Status Split() {
    for (size_t at = 0; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c != '{' && c != '}') {
        fixed_ += c;
        continue;
      }
      if (at + 1 < text_.size() && text_[at + 1] == c) {
        fixed_ += c;
        ++at;
        continue;
      }
      const size_t end = c == '{' ? text_.find('}', at) : text_.npos;
      if (end == text_.npos) return Fault("has a brace alone", at);
      const std::string_view name = text_.substr(at + 1, end - at - 1);
      if (!IsReference(name)) return Fault("has braces around what is no name", at);
      if (made_.use_ == TemplateUse::kUrl && at < PathOf(text_)) {
        return Fault("has a variable before the path, in the scheme or host", at);
      }
      Add(name, false);
      at = end;
    }
    return {};
  }

  Status SplitJson() {
    bool in_string = false;
    for (size_t at = 0; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '{') {
        const size_t end = text_.find('}', at);
        const auto name = end == text_.npos ? "" : text_.substr(at + 1, end - at - 1);
        if (IsReference(name)) {
          Add(name, in_string);
          at = end;
          continue;
        }
      }
      fixed_ += c;
      if (c == '"') in_string = !in_string;
      if (c == '\\' && in_string && at + 1 < text_.size()) fixed_ += text_[++at];
    }
    return {};
  }

  // What stands fixed must be right by itself.
  Status Check() const {
    if (made_.use_ == TemplateUse::kHeader) {
      for (const auto& piece : made_.pieces_) {
        if (!piece.variable && std::any_of(piece.text.begin(), piece.text.end(), IsControl)) {
          return Error{"has a control character; allowed: one line of text"};
        }
      }
    }
    if (made_.use_ != TemplateUse::kJson) return {};
    std::string sample;
    for (const auto& piece : made_.pieces_) {
      sample += !piece.variable ? piece.text : piece.in_string ? "x" : "0";
    }
    if (nlohmann::json::accept(sample)) return {};
    return Error{
        "is no JSON; allowed: a JSON document, with {name} in its texts or in a value's place"};
  }

  void Flush() {
    if (fixed_.empty()) return;
    if (made_.use_ == TemplateUse::kQuery) fixed_ = PercentEncode(fixed_);
    if (made_.use_ == TemplateUse::kForm) fixed_ = FormEncode(fixed_);
    made_.pieces_.push_back({std::exchange(fixed_, {}), false, false});
  }

  void Add(std::string_view name, bool in_string) {
    Flush();
    made_.pieces_.push_back({std::string(name), true, in_string});
    auto& known = made_.variables_;
    if (std::find(known.begin(), known.end(), name) == known.end()) known.emplace_back(name);
  }

  static Error Fault(std::string_view what, size_t at) {
    return Error{fmt::format("{} at byte {}{}", what, at, kAllowed)};
  }

  std::string_view text_;
  std::string fixed_;
  Template made_;
};

Result<Template> Template::Parse(std::string_view text, TemplateUse use) {
  return TemplateParser(text, use).Parse();
}

Result<std::string> Template::Write(const Piece& piece, std::string_view value) const {
  switch (use_) {
    case TemplateUse::kUrl:
    case TemplateUse::kQuery:
      return PercentEncode(value);
    case TemplateUse::kForm:
      return FormEncode(value);
    case TemplateUse::kJson:
      if (piece.in_string) return JsonEscape(value);
      if (IsJsonScalar(value)) return std::string(value);
      return Error{
          fmt::format("the value of {{{}}} is no number, true, false or null, as JSON needs there",
                      piece.text)};
    case TemplateUse::kHeader:
      if (std::none_of(value.begin(), value.end(), IsControl)) return std::string(value);
      return Error{
          fmt::format("the value of {{{}}} has a control character, which no header may "
                      "have",
                      piece.text)};
    case TemplateUse::kPlain:
      break;
  }
  return std::string(value);
}

Result<std::string> Template::Fill(const VariableValues& values) const {
  std::string filled;
  for (const Piece& piece : pieces_) {
    if (!piece.variable) {
      filled += piece.text;
    } else {
      const auto value = values(piece.text);
      if (!value) return Error{fmt::format("{{{}}} has no value", piece.text)};
      auto written = Write(piece, *value);
      if (!written) return written;
      filled += *written;
    }
    if (filled.size() > kMaxFilledBytes) {
      return Error{fmt::format("with its values it has more than {} bytes", kMaxFilledBytes)};
    }
  }
  return filled;
}

}  // namespace haidang::agent
