#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/io/http/front.h"
#include "core/io/http/reply.h"
#include "core/io/http/router.h"
#include "core/result.h"

namespace haidang::http {

// What a server has of its own. The functions are called on several threads at once; each may be
// empty.
struct ServerHooks {
  Headers headers;  // of every answer
  // A Reply here is the answer, and nothing else of the request is looked at.
  std::function<std::optional<Reply>(const Head& head)> guard;
  // A request was answered after `seconds`; `route` is the route's pattern, "" for none.
  std::function<void(std::string_view route, int status, double seconds)> answered;
  std::function<void(size_t count)> connections;
};

// The router behind the front.
class HttpServer {
 public:
  // Listens already when it returns. `router` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Listen(const FrontOptions& options,
                                                    const Router& router, ServerHooks hooks);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void Start();
  // Ends streams too. Returns when all threads have ended.
  void Stop();
  uint16_t port() const;

 private:
  HttpServer(std::unique_ptr<Front> front, const Router& router, ServerHooks hooks);
  Reply ReplyTo(const Head& head, std::string body, const Outlet& outlet) const;

  const Router& router_;
  const ServerHooks hooks_;
  std::unique_ptr<Front> front_;  // last: its threads end before what they use
};

}  // namespace haidang::http
