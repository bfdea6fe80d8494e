#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include "agent/journey/regex.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

std::string Repeated(std::string_view piece, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += piece;
  text.resize(bytes);
  return text;
}

RegexMatch Search(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::Compile(pattern);
  INFO(pattern);
  REQUIRE(regex.ok());
  return regex->Search(text);
}

double CpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace

TEST_CASE("patterns find the first group, or all that matched") {
  const auto found = [](std::string_view pattern, std::string_view text) {
    const RegexMatch match = Search(pattern, text);
    CHECK(match.outcome == RegexOutcome::kFound);
    return match.text;
  };
  CHECK(found("token=([0-9a-f]+)", "x token=beef token=cafe") == "beef");
  CHECK(found("[0-9]+", "một 12 hai 34") == "12");
  CHECK(found("(a)(b)(c)(d)", "abcd") == "a");
  CHECK(found("x(y)?z", "xz").empty());
  CHECK(found("(?i)MÃ HỒ SƠ: (\\S+)", "mã hồ sơ: H49.02").size() == 6);
  CHECK(found("(?<=đ)á", "đá") == "á");
  CHECK(found("^b$", "b") == "b");
  CHECK(found("(?m)^b$", "a\nb\nc") == "b");
  CHECK(found("a(?=bc)", "abc") == "a");
  CHECK(found("x*", "").empty());
  CHECK(Search("x", "").outcome == RegexOutcome::kNotFound);
  CHECK(Search("^b$", "a\nb\nc").outcome == RegexOutcome::kNotFound);
}

TEST_CASE("malformed UTF-8 matches nothing and ends no search") {
  CHECK(Search("id=(\\d+)", "\xff\xfe\xc3 id=7 \x80").text == "7");
  CHECK(Search("a.b",
               "a\xff"
               "b")
            .outcome == RegexOutcome::kNotFound);
  // An ả cut in two.
  CHECK(Search(".", "\xe1\xba").outcome == RegexOutcome::kNotFound);
  CHECK(Search("b$",
               "\xe1\xba"
               "b")
            .text == "b");
}

TEST_CASE("a pattern that is none says where") {
  const auto fault = [](std::string_view pattern) {
    const auto regex = Regex::Compile(pattern);
    REQUIRE_FALSE(regex.ok());
    return regex.error().message;
  };
  CHECK(fault("a(b") ==
        "is no regular expression: missing closing parenthesis at byte 3; allowed: Perl's syntax");
  CHECK(fault("a*b([") ==
        "is no regular expression: missing terminating ] for character class at "
        "byte 5; allowed: Perl's syntax");
  CHECK(fault("(?<=a+)b").find("lookbehind") != std::string::npos);
  CHECK(fault("\\C").find("byte") != std::string::npos);
  CHECK(fault("(*UCP)a").find("byte") != std::string::npos);
  CHECK(fault("") == "has 0 bytes; allowed: a regular expression of 1 to 1024 bytes");
  CHECK(fault(std::string(1025, 'a')).find("1025 bytes") != std::string::npos);
  CHECK(fault("\xff").find("UTF-8") != std::string::npos);
  // What grows when it is compiled.
  CHECK(fault("((((((a{1,99}){1,99}){1,99}){1,99}){1,99}){1,99}){1,99}").find("too large") !=
        std::string::npos);
}

TEST_CASE("no pattern and no text holds the loop") {
  constexpr size_t kBytes = 1U << 20;
  struct Bomb {
    std::string pattern, text;
  };
  std::string lookaheads, properties, letters = "[";
  for (int i = 0; i < 100; ++i) lookaheads += "(?=.*)";
  for (int i = 0; i < 60; ++i) properties += "\\p{Thai}\\p{Lao}";
  for (int i = 0; i < 300; ++i) letters += i % 2 == 0 ? "ạ" : "ệ";
  const std::vector<Bomb> bombs = {
      {"(a+)+$", Repeated("a", 40) + "!"},
      {"(a+)+[!?]", Repeated("a", kBytes)},
      {"((a*)*)*[bc]", Repeated("a", kBytes)},
      {"(a|aa)+$", Repeated("a", 60) + "!"},
      {"(a|a|b)*[cd]", Repeated("ab", kBytes)},
      {".*.*.*[xy]", Repeated("a", kBytes)},
      {"(?s).*.*.*[xy]", Repeated("a\n", kBytes)},
      {"\\w*+\\w*+[!?]", Repeated("a", kBytes)},
      {"(?>a*)[bc]", Repeated("a", kBytes)},
      {"((?=.*).)*[!?]", Repeated("a", kBytes)},
      {"(?:(?=.*)){1000}[!?]", Repeated("a", kBytes)},
      {lookaheads + "[!?]", Repeated("a", kBytes)},
      {"[^" + properties.substr(0, 900) + "]*[!?]", Repeated("a", kBytes)},
      {letters + "]*[!?]", Repeated("ế", kBytes)},
      {"(?i)(a*)\\1*\\1*[!?]", Repeated("aA", kBytes)},
      {"(a(?1)?b)[!?]", Repeated("a", kBytes)},
      {"(?R)?a[!?]", Repeated("a", kBytes)},
      {"\\X[!?]", Repeated("\xcc\x81", kBytes)},
      {"(?<=aaa)a*[!?]", Repeated("\xff"
                                  "aaaa",
                                  kBytes)},
      {".*[!?]", Repeated("\xff", kBytes)},
  };
  for (const Bomb& bomb : bombs) {
    INFO(bomb.pattern);
    const auto regex = Regex::Compile(bomb.pattern);
    REQUIRE(regex.ok());
    const double begin_ms = CpuMs();
    const RegexMatch match = regex->Search(bomb.text);
    const double took_ms = CpuMs() - begin_ms;
    CHECK(match.outcome != RegexOutcome::kFound);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    CHECK(took_ms < 150);
#else
    CHECK(took_ms < 50);
#endif
  }
  CHECK(Search("(a+)+$", bombs[0].text).outcome == RegexOutcome::kTooLong);
}

TEST_CASE("what ordinary patterns need is far below their bound") {
  const std::string page =
      Repeated("<p>Xin chào <b>12345</b> name=\"x\" value=\"y\"</p>\n", 1'000'000) +
      "<input name=\"sectok\" value=\"c0ffee\"><title>Một cửa</title>";
  CHECK(Search("name=\"sectok\" value=\"([0-9a-f]+)\"", page).text == "c0ffee");
  CHECK(Search("<title>([^<]*)</title>", page).text == "Một cửa");
  CHECK(Search("\\d{6,}", page).outcome == RegexOutcome::kNotFound);
  const auto regex = Regex::Compile("c0ffee");
  CHECK(regex->Search(page, {.text_bytes = 1000}).outcome == RegexOutcome::kNotFound);
  CHECK(Regex::Compile("(a+)+$")
            ->Search(Repeated("a", 40) + "!", {.cpu = std::chrono::microseconds(0)})
            .outcome == RegexOutcome::kTooLong);
}
