#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/http/reply.h"
#include "core/io/http/request.h"

namespace haidang::http {

// Which handler answers which path. Other methods than a path's own get 405, other paths 404.
// Filled before use, then thread-safe.
class Router {
 public:
  using Handler = std::function<Reply(const Request&)>;

  struct Route {
    Handler get;          // answers GET and HEAD
    Handler put;          // answers PUT; none where empty
    bool urgent = false;  // never waits behind questions that are not
    Handler post{};       // answers POST; none where empty
  };

  // `pattern` is a path, its last segment perhaps "{name}", which stands for one non-empty segment.
  void Add(std::string pattern, Route route);
  void Add(std::string pattern, Handler get) {
    Add(std::move(pattern), Route{std::move(get), {}, false});
  }

  // Also tells the pattern that matched, "" for none.
  Reply Answer(Request request, std::string* pattern) const;
  bool IsUrgent(std::string_view path) const;

  std::vector<std::string> patterns() const;

 private:
  std::map<std::string, Route, std::less<>> exact_;
  std::map<std::string, std::pair<std::string, Route>, std::less<>> captures_;  // by prefix
};

}  // namespace haidang::http
