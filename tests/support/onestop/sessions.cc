#include "tests/support/onestop/sessions.h"

#include "tests/support/onestop/text.h"

namespace haidang::onestop {

std::string Sessions::Begin(const std::string& name) {
  std::string cookie = RandomHex(16);
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMaxSessions) {
    sessions_.erase(by_age_.begin()->second);
    by_age_.erase(by_age_.begin());
  }
  sessions_[cookie] = {name, RandomHex(16)};
  by_age_[next_++] = cookie;
  return cookie;
}

Viewer Sessions::Find(const std::string& cookie) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(cookie);
  return found == sessions_.end() ? Viewer{} : found->second;
}

std::string CookieValue(const std::string& header, const std::string& name) {
  size_t at = 0;
  while (at < header.size()) {
    size_t end = header.find(';', at);
    if (end == std::string::npos) end = header.size();
    while (at < end && header[at] == ' ') ++at;
    if (header.compare(at, name.size() + 1, name + "=") == 0) {
      at += name.size() + 1;
      return header.substr(at, end - at);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace haidang::onestop
