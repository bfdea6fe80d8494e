#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::onestop {

// What is wrong with some pages of the stand-in.
struct RouteFault {
  enum class Answer {
    kUsual,
    kError500,
    kForbidden,     // 403
    kNotFound,      // 404
    kWrongContent,  // 200 with another page
    kLoop,          // a redirect to itself
    kHang,          // none
  };
  std::chrono::milliseconds delay{0};  // before it answers
  Answer answer = Answer::kUsual;
};
std::optional<RouteFault::Answer> ParseAnswer(std::string_view text);

// By the beginning of the path; the longest that fits counts. Thread-safe.
class RouteFaults {
 public:
  static constexpr std::chrono::milliseconds kLongestDelay{600000};
  static constexpr size_t kMost = 100;

  // A fault that changes nothing takes away what was there. An Error where there are too many.
  Status Set(const std::string& path, RouteFault fault);
  // Waits as long as the fault of this path wants, at most until it is changed, and says how to
  // answer: never kHang.
  RouteFault::Answer Suffer(std::string_view path);
  // Lets everybody go who waits, now and from now on.
  void Close();

 private:
  RouteFault Find(std::string_view path) const;  // mutex_ is held

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, RouteFault, std::less<>> faults_;
  bool closed_ = false;
};

}  // namespace haidang::onestop
