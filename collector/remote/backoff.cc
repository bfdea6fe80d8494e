#include "collector/remote/backoff.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

namespace haidang::remote {

using std::chrono::milliseconds;

milliseconds Backoff::Failed(uint64_t random) {
  const auto bound = static_cast<uint64_t>(bound_.count());
  bound_ = std::min(max_, bound_ * 2);
  return milliseconds(static_cast<int64_t>(random % (bound + 1)));
}

std::optional<milliseconds> ParseRetryAfter(const std::string& text, int64_t now_ms) {
  const milliseconds longest = kMaxRetryAfter;
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    int64_t seconds = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (fault != std::errc() || seconds > longest / std::chrono::seconds(1)) return longest;
    return std::chrono::seconds(seconds);
  }
  const time_t at = curl_getdate(text.c_str(), nullptr);
  if (at < 0) return std::nullopt;
  const int64_t now_s = now_ms / 1000;
  if (at > now_s + longest / std::chrono::seconds(1)) return longest;
  return milliseconds(std::max<int64_t>(0, static_cast<int64_t>(at) * 1000 - now_ms));
}

}  // namespace haidang::remote
