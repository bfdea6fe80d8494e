#pragma once

#include <httplib.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <thread>

namespace haidang::testing {

// Says "hello" over TLS with NAME.pem while it lives; with `clients`, a CA's file, only to who
// shows a certificate of it.
class TlsServer {
 public:
  explicit TlsServer(const std::string& name, const std::string& clients = "")
      : server_((name + ".pem").c_str(), (name + ".key").c_str(),
                clients.empty() ? nullptr : clients.c_str()) {
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("hello", "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~TlsServer() {
    server_.stop();
    thread_.join();
  }
  uint16_t port() const { return static_cast<uint16_t>(port_); }
  std::string Url(const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(port_) + "/";
  }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace haidang::testing
