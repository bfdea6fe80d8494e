#include "agent/journey/take.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "agent/journey/header_name.h"
#include "agent/journey/html_form.h"
#include "agent/journey/json_value.h"
#include "core/http_token.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxWhatBytes = 256;  // of a field's, header's or cookie's name
constexpr size_t kMaxExpectedBytes = 4096;

// The next line of `text`, without its end, which is taken off `text`.
std::string_view NextLine(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> FindHeader(std::string_view headers, std::string_view name) {
  std::optional<std::string_view> value;
  while (!headers.empty()) {
    const std::string_view line = NextLine(headers);
    if (line.substr(0, 5) == "HTTP/") value.reset();  // another answer begins
    const size_t colon = line.find(':');
    if (value || colon == line.npos || !SameHeaderName(line.substr(0, colon), name)) continue;
    std::string_view found = line.substr(colon + 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!found.empty() && blank(found.front())) found.remove_prefix(1);
    while (!found.empty() && blank(found.back())) found.remove_suffix(1);
    value = found;
  }
  return value;
}

// domain TAB with subdomains TAB path TAB secure TAB expires TAB name TAB value
std::optional<std::string_view> FindCookie(std::span<const std::string> lines,
                                           std::string_view name) {
  constexpr int kName = 5;
  std::optional<std::string_view> value;
  for (std::string_view line : lines) {
    int field = 0;
    for (; field < kName; ++field) {
      const size_t tab = line.find('\t');
      if (tab == line.npos) break;
      line.remove_prefix(tab + 1);
    }
    if (field < kName) continue;
    const size_t tab = line.find('\t');
    if (line.substr(0, tab) != name) continue;
    value = tab == line.npos ? std::string_view() : line.substr(tab + 1);
  }
  return value;
}

Result<std::string> TakeRegex(const TakeRule& rule, std::string_view body) {
  RegexMatch match = rule.regex->Search(body);
  if (match.outcome == RegexOutcome::kTooLong) {
    return Error{fmt::format("the regular expression for \"{}\" took too long", rule.name)};
  }
  if (match.outcome == RegexOutcome::kNotFound) {
    return Error{
        fmt::format("nothing on the page matches the regular expression for \"{}\"", rule.name)};
  }
  return std::move(match.text);
}

Result<std::string> TakeJson(const TakeRule& rule, std::string_view body) {
  // Escapes take at most six bytes for one.
  auto value = PickJsonValue(body, rule.pointer, 6 * kMaxTakenBytes + 2);
  if (!value) return Error{"the answer " + value.error().message};
  switch (value->kind) {
    case JsonKind::kText:
      return std::move(value->text);
    case JsonKind::kNumber:
    case JsonKind::kTrueFalse:
      return std::move(value->json);
    case JsonKind::kMissing:
      return Error{fmt::format("the JSON has nothing at \"{}\"", rule.what)};
    case JsonKind::kTooLarge:
      return Error{fmt::format("what the JSON has at \"{}\" is too long", rule.what)};
    default:
      return Error{
          fmt::format("what the JSON has at \"{}\" is no text, number, true or false", rule.what)};
  }
}

template <typename Value>
Result<std::string> OrMissing(std::optional<Value> value, std::string_view what,
                              const TakeRule& rule) {
  if (!value) return Error{fmt::format("the answer has no {} \"{}\"", what, Printable(rule.what))};
  return std::string(*std::move(value));
}

Result<std::string> TakeUnchecked(const TakeRule& rule, const TakeAnswer& answer) {
  switch (rule.from) {
    case TakeFrom::kField:
      return OrMissing(FindFormField(answer.body, rule.what), "form field", rule);
    case TakeFrom::kRegex:
      return TakeRegex(rule, answer.body);
    case TakeFrom::kJson:
      return TakeJson(rule, answer.body);
    case TakeFrom::kHeader:
      return OrMissing(FindHeader(answer.headers, rule.what), "header", rule);
    case TakeFrom::kCookie:
      return OrMissing(FindCookie(answer.cookies, rule.what), "cookie", rule);
  }
  return Error{"no such way to take a value"};
}

}  // namespace

Result<TakeRule> MakeTakeRule(std::string name, TakeFrom from, std::string what) {
  TakeRule rule{std::move(name), from, std::move(what)};
  if (from == TakeFrom::kRegex) {
    auto regex = Regex::Compile(rule.what);
    if (!regex) return regex.error();
    rule.regex = std::make_shared<const Regex>(std::move(*regex));
    return rule;
  }
  if (from == TakeFrom::kJson) {
    auto pointer = ParseJsonPointer(rule.what);
    if (!pointer) return pointer.error();
    rule.pointer = std::move(*pointer);
    return rule;
  }
  if (rule.what.empty() || rule.what.size() > kMaxWhatBytes || !IsUtf8(rule.what)) {
    return Error{fmt::format("has {} bytes; allowed: a name of 1 to {} bytes of UTF-8",
                             rule.what.size(), kMaxWhatBytes)};
  }
  const bool token = from == TakeFrom::kHeader || from == TakeFrom::kCookie;
  if (token && !IsHttpToken(rule.what)) {
    return Error{"is no name that a header or cookie may have; allowed: such as \"Location\""};
  }
  return rule;
}

Result<std::string> Take(const TakeRule& rule, const TakeAnswer& answer) {
  auto value = TakeUnchecked(rule, answer);
  if (!value) return value;
  if (value->size() > kMaxTakenBytes) {
    return Error{fmt::format("the value for \"{}\" has {} bytes; allowed: at most {}", rule.name,
                             value->size(), kMaxTakenBytes)};
  }
  if (value->find('\0') != value->npos) {
    return Error{fmt::format("the value for \"{}\" has a zero byte", rule.name)};
  }
  return value;
}

Result<JsonExpectation> MakeJsonExpectation(std::string_view pointer, std::string_view value) {
  auto parsed = ParseJsonPointer(pointer);
  if (!parsed) return parsed.error();
  constexpr char kAllowed[] = "; allowed: JSON, such as true, 3, \"ok\" (with its quotes) or []";
  if (value.size() > kMaxExpectedBytes) {
    return Error{
        fmt::format("has {} bytes, more than {}{}", value.size(), kMaxExpectedBytes, kAllowed)};
  }
  auto picked = PickJsonValue(value, {}, 6 * kMaxExpectedBytes);
  if (!picked) return Error{picked.error().message + kAllowed};
  return JsonExpectation{std::move(*parsed), std::string(pointer), std::move(picked->json)};
}

Status CheckJson(std::string_view body, std::span<const JsonExpectation> expectations) {
  using nlohmann::json;
  // The same value may be written longer; beyond this it is not what was expected.
  constexpr size_t kMaxBytes = 4 * kMaxExpectedBytes;
  for (const JsonExpectation& expectation : expectations) {
    auto there = PickJsonValue(body, expectation.pointer, kMaxBytes);
    if (!there) return Error{"the answer " + there.error().message};
    if (there->kind == JsonKind::kMissing) {
      return Error{fmt::format("the JSON has nothing at \"{}\"", expectation.pointer_text)};
    }
    const bool met =
        there->kind != JsonKind::kTooLarge &&
        json::parse(there->json, nullptr, false) == json::parse(expectation.value, nullptr, false);
    if (!met) {
      return Error{fmt::format("what the JSON has at \"{}\" is not what is expected",
                               expectation.pointer_text)};
    }
  }
  return {};
}

}  // namespace haidang::agent
