#include "server/http/router.h"

#include <nlohmann/json.hpp>

#include "core/query_json.h"

namespace haidang::server {

std::string Request::Param(const std::string& name) const {
  const auto it = params.find(name);
  return it == params.end() ? "" : it->second;
}

Reply ErrorReply(int status, std::string_view code, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = query::DumpJson({{"error", {{"code", code}, {"message", message}}}});
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

void Router::Add(std::string pattern, Handler handler) {
  if (pattern.ends_with('}')) {
    const std::string prefix = pattern.substr(0, pattern.rfind('{'));
    captures_.emplace(prefix, std::pair(std::move(pattern), std::move(handler)));
  } else {
    exact_.emplace(std::move(pattern), std::move(handler));
  }
}

Reply Router::Answer(Request request, std::string* pattern) const {
  const Handler* handler = nullptr;
  pattern->clear();
  if (const auto it = exact_.find(request.path); it != exact_.end()) {
    *pattern = it->first;
    handler = &it->second;
  } else if (const size_t slash = request.path.rfind('/'); slash != std::string::npos) {
    const auto capture = captures_.find(request.path.substr(0, slash + 1));
    if (capture != captures_.end() && slash + 1 < request.path.size()) {
      request.captured = request.path.substr(slash + 1);
      *pattern = capture->second.first;
      handler = &capture->second.second;
    }
  }
  if (handler == nullptr) return ErrorReply(404, "not_found", "there is nothing at this address");
  if (request.method != "GET" && request.method != "HEAD") {
    Reply reply = ErrorReply(405, "method_not_allowed", "only GET and HEAD are answered here");
    reply.headers.emplace_back("Allow", "GET, HEAD");
    return reply;
  }
  return (*handler)(request);
}

std::vector<std::string> Router::patterns() const {
  std::vector<std::string> all;
  for (const auto& [pattern, handler] : exact_) all.push_back(pattern);
  for (const auto& [prefix, entry] : captures_) all.push_back(entry.first);
  return all;
}

}  // namespace haidang::server
