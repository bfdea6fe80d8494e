#pragma once

#include <string>

#include "core/result.h"

namespace haidang::remote {

// Where samples are written to, taken apart.
struct RemoteUrl {
  std::string text;  // as it is asked: http(s)://host[:port]/path[?query]
  bool tls = false;
  std::string authority;  // host[:port], as the URL has it
  std::string host;       // without brackets
  std::string port;       // digits, also where the URL names none
  std::string rest;       // path and query
  // As logs, metrics and the store call it: the query, which may hold a secret, is hidden.
  std::string shown;
};

// An Error says what is wrong and allowed, and quotes nothing of `text`: it may hold a password.
Result<RemoteUrl> ParseRemoteUrl(const std::string& text);

}  // namespace haidang::remote
