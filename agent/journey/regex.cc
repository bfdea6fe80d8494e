#include "agent/journey/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/journey/pcre_api.h"

// PCRE2's own limit counts backtracking for each place where a match may begin, so that a text of n
// bytes may cost n times the limit. What bounds the whole search here is a callout before every
// item of the pattern (PCRE2_AUTO_CALLOUT), which looks at the clock: between two of them lies one
// run over the text.

namespace haidang::agent {
namespace {

constexpr uint32_t kMatchLimit = 50'000'000;  // never met within the time that a search has
constexpr size_t kLight = 16;                 // comparisons of a character, see WeightOf
constexpr int kGiveUp = PCRE2_ERROR_CALLOUT;

int64_t NanosecondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Asked millions of times: the coarse clock costs some nanoseconds and says when to look at the
// processor's, which counts this thread alone.
struct Deadline {
  int64_t cpu_end_ns;
  int64_t seen_ns;
};

int LookAtClock(pcre2_callout_block*, void* data) {
  auto& deadline = *static_cast<Deadline*>(data);
  const int64_t now_ns = NanosecondsOf(CLOCK_MONOTONIC_COARSE);
  if (now_ns == deadline.seen_ns) return 0;
  deadline.seen_ns = now_ns;
  return NanosecondsOf(CLOCK_THREAD_CPUTIME_ID) >= deadline.cpu_end_ns ? kGiveUp : 0;
}

// At most how many comparisons one of the pattern's classes makes for a character, roughly: one
// for each character or range beyond ASCII, three for a property.
size_t WeightOf(std::string_view pattern) {
  size_t weight = 1;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const auto byte = static_cast<unsigned char>(pattern[i]);
    if (byte >= 0xc0) ++weight;
    if (byte != '\\' || i + 1 == pattern.size()) continue;
    const char next = pattern[++i];
    if (next == 'p' || next == 'P') weight += 3;
    if (next == 'x' || next == 'o' || next == 'N') ++weight;
  }
  return weight;
}

}  // namespace

struct Regex::Compiled {
  PcreApi api;
  pcre2_code* code = nullptr;
  bool has_group = false;
  size_t weight = 1;

  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (code != nullptr) api.code_free(code);
  }
};

Regex::Regex(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::Compile(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > kMaxPatternBytes) {
    return Error{fmt::format("has {} bytes; allowed: a regular expression of 1 to {} bytes",
                             pattern.size(), kMaxPatternBytes)};
  }
  auto api = PcreApi::Load();
  if (!api) return api.error();
  auto compiled = std::make_unique<Compiled>();
  compiled->api = *api;
  int fault = 0;
  size_t at = 0;
  // No \C and no (*UCP): both would make a step as dear as it likes.
  constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_AUTO_CALLOUT |
                                PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP;
  compiled->code = api->compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                kOptions, &fault, &at, nullptr);
  if (compiled->code == nullptr) {
    PCRE2_UCHAR text[256] = {};
    api->get_error_message(fault, text, sizeof text);
    return Error{fmt::format("is no regular expression: {} at byte {}; allowed: Perl's syntax",
                             reinterpret_cast<const char*>(text), at)};
  }
  compiled->weight = WeightOf(pattern);
  uint32_t groups = 0;
  api->pattern_info(compiled->code, PCRE2_INFO_CAPTURECOUNT, &groups);
  compiled->has_group = groups > 0;
  return Regex(std::move(compiled));
}

RegexMatch Regex::Search(std::string_view text, const RegexBounds& bounds) const {
  const PcreApi& api = compiled_->api;
  text = text.substr(0, bounds.text_bytes);
  const std::string_view whole = text;
  if (compiled_->weight > kLight)
    text = text.substr(0, bounds.text_bytes * kLight / compiled_->weight);
  pcre2_match_context* context = api.match_context_create(nullptr);
  pcre2_match_data* data = api.match_data_create(2, nullptr);
  RegexMatch match{RegexOutcome::kTooLong};
  if (context != nullptr && data != nullptr) {
    Deadline deadline{NanosecondsOf(CLOCK_THREAD_CPUTIME_ID) + bounds.cpu.count() * 1000, 0};
    api.set_match_limit(context, kMatchLimit);
    api.set_heap_limit(context, bounds.heap_kib);
    api.set_callout(context, LookAtClock, &deadline);
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const int code = api.match(compiled_->code, subject, text.size(), 0, 0, data, context);
    if (code == PCRE2_ERROR_NOMATCH && text.size() == whole.size())
      match.outcome = RegexOutcome::kNotFound;
    if (code >= 0) {
      // 0: the pattern has more groups than the two pairs that are asked for.
      const size_t* pairs = api.get_ovector_pointer(data);
      match.outcome = RegexOutcome::kFound;
      const size_t group = compiled_->has_group ? 2 : 0;
      // \K in a lookahead may set the beginning behind the end.
      const size_t begin = pairs[group], end = std::max(pairs[group + 1], begin);
      if (begin != PCRE2_UNSET) match.text = text.substr(begin, end - begin);
    }
  }
  if (data != nullptr) api.match_data_free(data);
  if (context != nullptr) api.match_context_free(context);
  return match;
}

}  // namespace haidang::agent
