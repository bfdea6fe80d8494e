#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/support/onestop/pages.h"

namespace haidang::onestop {

// Who is signed in, by cookie. Thread-safe; at most kMaxSessions, beyond which the oldest ends.
class Sessions {
 public:
  static constexpr size_t kMaxSessions = 10000;

  // The new session's cookie value.
  std::string Begin(const std::string& name);
  // Nobody (an empty Viewer) where the cookie names no session.
  Viewer Find(const std::string& cookie) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Viewer> sessions_;
  std::map<uint64_t, std::string> by_age_;
  uint64_t next_ = 0;
};

// The value of cookie `name` in a Cookie header, "" where it is not there.
std::string CookieValue(const std::string& header, const std::string& name);

}  // namespace haidang::onestop
