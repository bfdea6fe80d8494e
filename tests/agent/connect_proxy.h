#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/agent/journey_bench.h"
#include "tests/agent/raw_server.h"

namespace haidang::testing {

// An HTTP proxy that connects (CONNECT) to the port asked for on this machine, whatever host that
// is, after `delay`.
class ConnectProxy {
 public:
  explicit ConnectProxy(std::chrono::milliseconds delay = {})
      : server_(
            [this, delay](int fd, const std::string& target) {
              std::this_thread::sleep_for(delay);
              Serve(fd, target);
            },
            [this](const std::string& request) { asked.Add(request); }) {}

  // As a journey's configuration has it.
  std::string Key() const {
    return "proxy = \"http://127.0.0.1:" + std::to_string(server_.port()) + "\"\n";
  }

  Asked asked;

 private:
  void Serve(int client, const std::string& target) const {
    const size_t colon = target.rfind(':');
    if (!asked.last().starts_with("CONNECT ") || colon == std::string::npos) return;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(target.substr(colon + 1))));
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      SendAll(client, "HTTP/1.1 200 Connection established\r\nX-Of: proxy\r\n\r\n");
      Relay(client, server);
    } else {
      SendAll(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    }
    close(server);
  }

  // Both ways, until one side has gone.
  void Relay(int client, int server) const {
    pollfd sides[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    char buffer[4096];
    while (!server_.stopping()) {
      if (poll(sides, 2, 20) < 0) return;
      for (const auto& [from, to] : {std::pair(0, 1), std::pair(1, 0)}) {
        if (sides[from].revents == 0) continue;
        const ssize_t got = recv(sides[from].fd, buffer, sizeof buffer, 0);
        if (got <= 0) return;
        SendAll(sides[to].fd, {buffer, static_cast<size_t>(got)});
      }
    }
  }

  RawServer server_;
};

}  // namespace haidang::testing
