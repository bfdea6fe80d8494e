#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haidang::server {

struct Request {
  std::string method;                              // "GET" or "HEAD" when a handler sees it
  std::string path;                                // decoded
  std::multimap<std::string, std::string> params;  // of the query, decoded
  std::string if_none_match;
  std::string captured;  // what stood for {…} in the route's pattern

  // The first value, "" where there is none.
  std::string Param(const std::string& name) const;
};

// Writes a stream's next part through `write`; false (of either) ends it. `gone` tells whether the
// client has left. Called again and again on one thread.
using WriteBytes = std::function<bool(std::string_view bytes)>;
using NextPart = std::function<bool(const WriteBytes& write, const std::function<bool()>& gone)>;

struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  NextPart stream;  // instead of `body`, where set
};

// {"error":{"code","message"}}.
Reply ErrorReply(int status, std::string_view code, std::string_view message);

// Which handler answers which path. All routes are for GET and HEAD; other methods get 405, other
// paths 404. Filled before use, then thread-safe.
class Router {
 public:
  using Handler = std::function<Reply(const Request&)>;

  // `pattern` is a path, its last segment perhaps "{name}", which stands for one non-empty segment.
  void Add(std::string pattern, Handler handler);

  // Also tells the pattern that matched, "" for none.
  Reply Answer(Request request, std::string* pattern) const;

  std::vector<std::string> patterns() const;

 private:
  std::map<std::string, Handler, std::less<>> exact_;
  std::map<std::string, std::pair<std::string, Handler>, std::less<>> captures_;  // by prefix
};

}  // namespace haidang::server
