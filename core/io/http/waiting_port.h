#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/io/http/http_server.h"
#include "core/io/http/router.h"

namespace haidang::http {

// The port of a daemon that cannot begin its work yet: /healthz says that it lives, /metrics gives
// what the caller gives, and everything else is answered with 503 "not_ready" and the reason.
class WaitingPort {
 public:
  // Listens and answers at once. `metrics`: the answer of /metrics; none where empty. Called on
  // other threads.
  static Result<std::unique_ptr<WaitingPort>> Open(const FrontOptions& options,
                                                   Router::Handler metrics);
  WaitingPort(const WaitingPort&) = delete;
  WaitingPort& operator=(const WaitingPort&) = delete;

  void Because(std::string why);
  uint16_t port() const { return server_->port(); }

 private:
  WaitingPort() = default;
  Reply NotReady() const;

  mutable std::mutex mutex_;
  std::string why_;  // guarded by mutex_
  Router router_;
  std::unique_ptr<HttpServer> server_;  // last: its threads end before what they use
};

}  // namespace haidang::http
