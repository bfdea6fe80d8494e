#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haidang::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Writes a stream's next part through `write`; false (of either) ends it. `gone` tells whether the
// client has left. Called again and again on one thread.
using WriteBytes = std::function<bool(std::string_view bytes)>;
using NextPart = std::function<bool(const WriteBytes& write, const std::function<bool()>& gone)>;

struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  Headers headers;
  NextPart stream;       // instead of `body`, where set
  bool endless = false;  // the stream lasts as long as its reader
};

// {"error":{"code","message"}}.
Reply ErrorReply(int status, std::string_view code, std::string_view message);

// The words of HTTP's status line.
std::string_view ReasonOf(int status);

}  // namespace haidang::http
