#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// Where a filled text goes, which says how values are written into it.
enum class TemplateUse {
  kPlain,   // as they are
  kUrl,     // a whole URL: values percent-encoded, in path and query alone; the rest as it stands
  kQuery,   // a value of the query: all of it percent-encoded, the fixed text too
  kForm,    // a value of application/x-www-form-urlencoded: all of it, the fixed text too
  kJson,    // a JSON document: see Template
  kHeader,  // a header's value: control characters are refused
};

// What a variable is worth now; none: it has no value.
using VariableValues = std::function<std::optional<std::string_view>(std::string_view name)>;

// 1 to 64 of A–Z a–z 0–9 _ -, not a digit or - first.
bool IsVariableName(std::string_view name);

// Text with variables: "{token}" and "{secret.canbo}"; "{{" and "}}" are braces. A lone brace is a
// fault.
//
// In JSON, whose own braces stand everywhere, {name} alone is a variable and there is no "{{"; a
// text that must hold "{name}" writes the brace as \u007b. Within a JSON string the value is
// escaped; outside of strings ({"count":{n}}) only a number, true, false or null may come. So no
// value changes the document's shape.
//
// In a URL variables are refused before the path or query begins: no value changes scheme or host.
class Template {
 public:
  static constexpr size_t kMaxFilledBytes = 256U << 10;

  // Nothing.
  Template() = default;

  // The Error says what is wrong, where, and what is allowed.
  static Result<Template> Parse(std::string_view text, TemplateUse use);

  // Each once, in their order: "token", "secret.canbo".
  const std::vector<std::string>& variables() const { return variables_; }

  // The Error names the variable that has no value or whose value may not stand there; it never
  // holds a value.
  Result<std::string> Fill(const VariableValues& values) const;

 private:
  friend class TemplateParser;
  struct Piece {
    std::string text;  // fixed, as it goes out; or the variable's name
    bool variable = false;
    bool in_string = false;  // of JSON
  };

  Result<std::string> Write(const Piece& piece, std::string_view value) const;

  TemplateUse use_ = TemplateUse::kPlain;
  std::vector<Piece> pieces_;
  std::vector<std::string> variables_;
};

}  // namespace haidang::agent
