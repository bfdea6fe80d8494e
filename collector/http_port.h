#pragma once

#include <httplib.h>

#include <thread>

#include "collector/options.h"
#include "core/result.h"

namespace haidang::collector {

// A listening HTTP server with threads of its own and bounded patience.
class HttpPort {
 public:
  HttpPort(size_t threads, size_t max_body_bytes);
  ~HttpPort() { Stop(); }

  httplib::Server& server() { return server_; }

  // The port that it listens on; an Error names the address and what is wrong.
  Result<int> Bind(const Listen& listen);
  int port() const { return port_; }
  void Start();
  void Stop();

 private:
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace haidang::collector
