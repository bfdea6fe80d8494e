#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace haidang::remote {

// How long to wait before the next attempt: anything from nothing to a bound that doubles with each
// failure (full jitter).
class Backoff {
 public:
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max)
      : min_(min), max_(max), bound_(min) {}

  // One more failure; `random` is any 64 bits.
  std::chrono::milliseconds Failed(uint64_t random);
  void Succeeded() { bound_ = min_; }

 private:
  std::chrono::milliseconds min_, max_, bound_;
};

// What a Retry-After says, a number of seconds or a date (RFC 9110), from `now_ms` on: at least
// nothing, at most kMaxRetryAfter. Nothing where it says neither.
inline constexpr std::chrono::minutes kMaxRetryAfter{10};
std::optional<std::chrono::milliseconds> ParseRetryAfter(const std::string& text, int64_t now_ms);

}  // namespace haidang::remote
