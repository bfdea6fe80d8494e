#pragma once

#include <memory>

#include "core/clock.h"
#include "core/result.h"
#include "server/http/front.h"
#include "server/http/router.h"
#include "server/metrics.h"

namespace haidang::server {

// The router behind the front: cpp-httplib parses the judged head and writes the answer (HEAD,
// gzip, chunks, keep-alive). Every answer carries the security headers.
class HttpServer {
 public:
  // Listens already when it returns. `router`, `metrics` and `clock` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Listen(const FrontOptions& options,
                                                    const Router& router, Metrics& metrics,
                                                    const Clock& clock);
  ~HttpServer();

  void Start();
  // Ends streams too. Returns when all threads have ended.
  void Stop();
  uint16_t port() const;

 private:
  class Parser;
  HttpServer(std::unique_ptr<Front> front, std::unique_ptr<Parser> parser, Metrics& metrics);
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<Front> front_;
  Metrics& metrics_;
};

}  // namespace haidang::server
