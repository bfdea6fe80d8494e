#include "core/io/http/http_server.h"

#include <chrono>
#include <exception>
#include <utility>

#include "core/io/http/answer.h"
#include "core/log.h"

namespace haidang::http {

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(const FrontOptions& options,
                                                       const Router& router, ServerHooks hooks) {
  Result<std::unique_ptr<Front>> front = Front::Listen(options);
  if (!front) return front.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(*front), router, std::move(hooks)));
}

HttpServer::HttpServer(std::unique_ptr<Front> front, const Router& router, ServerHooks hooks)
    : router_(router), hooks_(std::move(hooks)), front_(std::move(front)) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Start() {
  Front::Handlers handlers;
  handlers.answer = [this](const Head& head, std::string body, Outlet& outlet, bool keep_alive) {
    Reply reply = ReplyTo(head, std::move(body), outlet);
    return WriteAnswer(outlet, head, std::move(reply), hooks_.headers, keep_alive);
  };
  handlers.takes_body = [this](const Head& head) { return !hooks_.guard || !hooks_.guard(head); };
  handlers.urgent = [this](const Head& head) { return router_.IsUrgent(head.path()); };
  handlers.connections = hooks_.connections;
  front_->Start(std::move(handlers));
}

Reply HttpServer::ReplyTo(const Head& head, std::string body, const Outlet& outlet) const {
  const auto began = std::chrono::steady_clock::now();
  std::string route;
  std::optional<Reply> reply;
  try {
    if (hooks_.guard) reply = hooks_.guard(head);
    if (!reply) {
      Request request = MakeRequest(head, std::move(body));
      request.gone = [&outlet] { return outlet.Gone(); };
      reply = router_.Answer(std::move(request), &route);
    }
  } catch (const std::exception& failure) {
    // One question must not end the program for all others.
    spdlog::error("{} {}: {}", head.method, route, failure.what());
    reply = ErrorReply(500, "internal", "this question met a fault of the program; see its log");
  }
  if (hooks_.answered) {
    hooks_.answered(
        route, reply->status,
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  return std::move(*reply);
}

void HttpServer::Stop() { front_->Stop(); }

uint16_t HttpServer::port() const { return front_->port(); }

}  // namespace haidang::http
