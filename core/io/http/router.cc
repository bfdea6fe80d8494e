#include "core/io/http/router.h"

namespace haidang::http {
namespace {

Reply WrongMethod(const Router::Route& route) {
  std::string allowed = "GET, HEAD";
  if (route.put) allowed += ", PUT";
  if (route.post) allowed += ", POST";
  Reply reply =
      ErrorReply(405, "method_not_allowed", "only " + allowed + " are answered at this address");
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

}  // namespace

void Router::Add(std::string pattern, Route route) {
  if (pattern.ends_with('}')) {
    const std::string prefix = pattern.substr(0, pattern.rfind('{'));
    captures_.emplace(prefix, std::pair(std::move(pattern), std::move(route)));
  } else {
    exact_.emplace(std::move(pattern), std::move(route));
  }
}

Reply Router::Answer(Request request, std::string* pattern) const {
  const Route* route = nullptr;
  pattern->clear();
  if (const auto it = exact_.find(request.path); it != exact_.end()) {
    *pattern = it->first;
    route = &it->second;
  } else if (const size_t slash = request.path.rfind('/'); slash != std::string::npos) {
    const auto capture = captures_.find(request.path.substr(0, slash + 1));
    if (capture != captures_.end() && slash + 1 < request.path.size()) {
      request.captured = request.path.substr(slash + 1);
      *pattern = capture->second.first;
      route = &capture->second.second;
    }
  }
  if (route == nullptr) return ErrorReply(404, "not_found", "there is nothing at this address");
  if (request.method == "GET" || request.method == "HEAD") return route->get(request);
  if (request.method == "PUT" && route->put) return route->put(request);
  if (request.method == "POST" && route->post) return route->post(request);
  return WrongMethod(*route);
}

bool Router::IsUrgent(std::string_view path) const {
  const auto it = exact_.find(path);
  return it != exact_.end() && it->second.urgent;
}

std::vector<std::string> Router::patterns() const {
  std::vector<std::string> all;
  for (const auto& [pattern, route] : exact_) all.push_back(pattern);
  for (const auto& [prefix, entry] : captures_) all.push_back(entry.first);
  return all;
}

}  // namespace haidang::http
