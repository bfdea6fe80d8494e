#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "agent/journey/encode.h"
#include "agent/journey/template.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

std::string Filled(std::string_view text, TemplateUse use, const Values& values) {
  const auto made = Template::Parse(text, use);
  if (!made) return "refused: " + made.error().message;
  const auto filled = made->Fill([&](std::string_view name) -> std::optional<std::string_view> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  });
  return filled ? *filled : "error: " + filled.error().message;
}

bool IsRefused(std::string_view text, TemplateUse use) { return !Template::Parse(text, use).ok(); }

}  // namespace

TEST_CASE("templates: variables, braces, faults") {
  const Values values = {{"a", "1"}, {"secret.b", "s3cret"}, {"_c-d", "x y"}};
  CHECK(Filled("", TemplateUse::kPlain, values).empty());
  CHECK(Filled("{a}-{secret.b}-{_c-d}-{a}", TemplateUse::kPlain, values) == "1-s3cret-x y-1");
  CHECK(Filled("{{a}} {{{a}}} }}{{", TemplateUse::kPlain, values) == "{a} {1} }{");
  CHECK(Filled("{gone}", TemplateUse::kPlain, values) == "error: {gone} has no value");
  CHECK(Template::Parse("{b}{a}{b}{secret.b}", TemplateUse::kPlain)->variables() ==
        std::vector<std::string>{"b", "a", "secret.b"});
  for (const char* bad : {"{", "}", "{a", "a}", "{}", "{a b}", "{1}", "{-a}", "{secret.}", "{a.b}",
                          "{secret.a.b}", "{{a}", "{a}}", "{đ}", "{secret}}"}) {
    INFO(bad);
    CHECK(IsRefused(bad, TemplateUse::kPlain));
  }
  CHECK(Filled("x {", TemplateUse::kPlain, values) ==
        "refused: has a brace alone at byte 2; allowed: {name} of a value taken before, "
        "{secret.name}, and {{ or }} for braces");
  CHECK(IsRefused("{" + std::string(65, 'a') + "}", TemplateUse::kPlain));
  CHECK(Filled("{a}{a}", TemplateUse::kPlain, {{"a", std::string(200'000, 'x')}}).substr(0, 6) ==
        "error:");
}

TEST_CASE("templates in URLs: no value changes scheme, host or the path's shape") {
  const Values values = {{"a", "x/y?z#&=%20@ế"}, {"h", "evil.example"}};
  CHECK(Filled("https://m.example/ho-so/{a}?q={h}", TemplateUse::kUrl, values) ==
        "https://m.example/ho-so/x%2Fy%3Fz%23%26%3D%2520%40%E1%BA%BF?q=evil.example");
  CHECK(Filled("https://m.example?q={h}", TemplateUse::kUrl, values) ==
        "https://m.example?q=evil.example");
  for (const char* bad : {"{h}", "{h}://m.example/", "https://{h}/", "https://m.example{h}/",
                          "https://m.example:{h}/", "https://{h}@m.example/", "{h}/x", "/path/{h}",
                          "m.example/{h}"}) {
    INFO(bad);
    CHECK(IsRefused(bad, TemplateUse::kUrl));
  }
}

TEST_CASE("templates in queries and forms: all of it is encoded") {
  const Values values = {{"a", "Đỗ & con=1+1~*"}};
  CHECK(Filled("a b{a}", TemplateUse::kQuery, values) ==
        "a%20b%C4%90%E1%BB%97%20%26%20con%3D1%2B1~%2A");
  CHECK(Filled("a b{a}", TemplateUse::kForm, values) == "a+b%C4%90%E1%BB%97+%26+con%3D1%2B1%7E*");
  CHECK(Filled("{{x}}", TemplateUse::kForm, values) == "%7Bx%7D");
}

TEST_CASE("templates in JSON: its own braces stay, no value changes its shape") {
  const Values values = {{"a", "q\"uo\\te\n\x01/é\xff"},
                         {"n", "12.5"},
                         {"t", "true"},
                         {"evil", "1,\"admin\":true"},
                         {"text", "abc"}};
  CHECK(Filled(R"({"a":"{a}","b":{"c":{}}})", TemplateUse::kJson, values) ==
        "{\"a\":\"q\\\"uo\\\\te\\u000a\\u0001/é\ufffd\",\"b\":{\"c\":{}}}");
  CHECK(Filled(R"([{n},{t}, "{n}"])", TemplateUse::kJson, values) == R"([12.5,true, "12.5"])");
  CHECK(Filled(R"({"n":{evil}})", TemplateUse::kJson, values).substr(0, 6) == "error:");
  CHECK(Filled(R"({"n":{text}})", TemplateUse::kJson, values).substr(0, 6) == "error:");
  CHECK(Filled(R"({"n":{end}})", TemplateUse::kJson, {{"end", {"1\0,2", 4}}}).substr(0, 6) ==
        "error:");
  CHECK(IsRefused({"{}\0{", 4}, TemplateUse::kJson));
  CHECK(Filled(R"({"n":"{evil}"})", TemplateUse::kJson, values) == R"({"n":"1,\"admin\":true"})");
  CHECK(Filled(R"({"n":"\u007btext}, \"{text}\", { x }"})", TemplateUse::kJson, values) ==
        R"({"n":"\u007btext}, \"abc\", { x }"})");
  CHECK(Template::Parse(R"({"{a}":{secret.b}})", TemplateUse::kJson)->variables() ==
        std::vector<std::string>{"a", "secret.b"});
  for (const char* bad : {"", "{", "{a}{a}", "{\"a\":}", "{\"a\":\"{a}}", "{x y}"}) {
    INFO(bad);
    CHECK(IsRefused(bad, TemplateUse::kJson));
  }
}

TEST_CASE("templates in headers: one line only") {
  CHECK(Filled("Bearer {a}", TemplateUse::kHeader, {{"a", "x.y"}}) == "Bearer x.y");
  for (const std::string& bad : std::vector<std::string>{"a\r\nX: y", "a\n", {"a\0b", 3}, "\x7f"}) {
    const std::string got = Filled("{a}", TemplateUse::kHeader, {{"a", bad}});
    CHECK(got == "error: the value of {a} has a control character, which no header may have");
    CHECK(IsRefused(bad, TemplateUse::kHeader));
  }
}

TEST_CASE("names of variables") {
  for (const char* good : {"a", "_", "Token_1", "a-b"}) CHECK(IsVariableName(good));
  for (const char* bad : {"", "1a", "-a", "a.b", "a b", "đ"}) CHECK_FALSE(IsVariableName(bad));
}
