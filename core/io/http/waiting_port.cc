#include "core/io/http/waiting_port.h"

#include <utility>

namespace haidang::http {

Result<std::unique_ptr<WaitingPort>> WaitingPort::Open(const FrontOptions& options,
                                                       Router::Handler metrics) {
  std::unique_ptr<WaitingPort> port(new WaitingPort());
  const bool has_metrics = static_cast<bool>(metrics);
  port->router_.Add("/healthz", [](const Request&) {
    Reply reply;
    reply.body = "{\"status\":\"alive\"}";
    return reply;
  });
  if (has_metrics) port->router_.Add("/metrics", std::move(metrics));
  ServerHooks hooks;
  hooks.guard = [self = port.get(), has_metrics](const Head& head) -> std::optional<Reply> {
    if (head.path() == "/healthz" || (has_metrics && head.path() == "/metrics"))
      return std::nullopt;
    return self->NotReady();
  };
  auto server = HttpServer::Listen(options, port->router_, std::move(hooks));
  if (!server) return server.error();
  port->server_ = std::move(*server);
  port->server_->Start();
  return port;
}

void WaitingPort::Because(std::string why) {
  const std::lock_guard lock(mutex_);
  why_ = std::move(why);
}

Reply WaitingPort::NotReady() const {
  const std::lock_guard lock(mutex_);
  Reply reply = ErrorReply(503, "not_ready", why_);
  reply.headers.emplace_back("Retry-After", "5");
  return reply;
}

}  // namespace haidang::http
