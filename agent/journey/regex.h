#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// What one search may cost. A pattern that runs away is given up; it never holds the loop.
struct RegexBounds {
  size_t text_bytes = 1U << 20;           // of a longer text only the beginning is searched
  std::chrono::microseconds cpu{25'000};  // of this thread; the end comes within 20 ms after it
  uint32_t heap_kib = 16384;              // for backtracking; freed after each search
};

enum class RegexOutcome {
  kFound,
  kNotFound,
  kTooLong,  // took too long, or more memory than it may
};

struct RegexMatch {
  RegexOutcome outcome = RegexOutcome::kNotFound;
  std::string text = {};  // the first group where the pattern has one (empty where it took no part
                          // in the match), else the whole match; as in the text, maybe no UTF-8
};

// A regular expression of PCRE2 (Perl's syntax) over UTF-8; malformed bytes match nothing and end
// no search. PCRE2 is loaded when the first one is compiled: an agent that needs none pays nothing.
// Any one thread at a time.
class Regex {
 public:
  static constexpr size_t kMaxPatternBytes = 1024;

  // The Error says what is wrong and at which byte, or that PCRE2 is not installed.
  static Result<Regex> Compile(std::string_view pattern);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // The first match. Bounded whatever the pattern and the text are.
  RegexMatch Search(std::string_view text, const RegexBounds& bounds = {}) const;

 private:
  struct Compiled;
  explicit Regex(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace haidang::agent
