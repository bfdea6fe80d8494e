#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/io/mqtt_session.h"
#include "tests/support/broker_process.h"
#include "tests/support/loop_runner.h"
#include "tests/support/raw_client.h"

// What the tests of the broker session have in common: a client, and brokers that misbehave.
namespace haidang::testing {

using namespace std::chrono_literals;

// A session with everything that it told.
struct Client {
  Client(Loop& event_loop, MqttOptions mqtt, std::vector<MqttSubscription> subscriptions,
         MqttMessage will = {})
      : loop(event_loop) {
    MqttHandlers handlers;
    handlers.will = [this, will] {
      ++wills;
      return will;
    };
    handlers.connected = [this] { ++connected; };
    handlers.disconnected = [this](const Error& why) { losses.push_back(why.message); };
    handlers.received = [this](std::vector<MqttMessage>&& messages) {
      bytes = std::accumulate(messages.begin(), messages.end(), bytes,
                              [](size_t sum, const auto& m) { return sum + m.payload.size(); });
      std::move(messages.begin(), messages.end(), std::back_inserter(received));
    };
    auto made = MakeMqttSession(loop, clock, std::move(mqtt), std::move(subscriptions),
                                std::move(handlers));
    INFO((made.ok() ? "" : made.error().message));
    REQUIRE(made.ok());
    session = std::move(made).value();
  }

  bool Up(int times = 1) {
    return RunUntil(
        loop, [&] { return connected >= times; }, 60s);
  }

  Loop& loop;
  SystemClock clock;
  std::unique_ptr<MqttSession> session;
  int wills = 0;
  int connected = 0;
  size_t bytes = 0;
  std::vector<std::string> losses;
  std::vector<MqttMessage> received;
};

inline MqttOptions Options(const std::string& uri, const std::string& id) {
  MqttOptions options;
  options.uri = uri;
  options.client_id = id;
  options.backoff_min = 20ms;
  options.backoff_max = 200ms;
  return options;
}

inline MqttOptions TlsOptions(BrokerProcess& broker, const std::string& name) {
  MqttOptions options = Options(broker.uri(), name);
  options.ca_file = broker.ca_file();
  const std::string certificate = broker.MakeCertificate(name);
  options.cert_file = certificate + ".crt";
  options.key_file = certificate + ".key";
  return options;
}

inline int Listen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(fd, 8) == 0);
  return fd;
}

// Accepts connections and never says a word.
class BlackHole {
 public:
  BlackHole() : port_(FreePort()), fd_(Listen(port_)) {}
  ~BlackHole() { close(fd_); }
  std::string uri(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(port_);
  }

 private:
  int port_;
  int fd_;
};

// A broker that takes one connection, gives an answer to each packet in turn, and ends it.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(std::vector<std::string> answers)
      : port_(FreePort()), fd_(Listen(port_)) {
    thread_ = std::thread([this, answers = std::move(answers)] {
      const int peer = accept(fd_, nullptr, nullptr);
      for (const std::string& answer : answers) {
        char packet[1024];
        if (recv(peer, packet, sizeof packet, 0) <= 0) break;
        (void)send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      close(peer);
    });
  }
  ~ScriptedBroker() {
    thread_.join();
    close(fd_);
  }
  std::string uri() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

 private:
  int port_;
  int fd_;
  std::thread thread_;
};

inline std::chrono::milliseconds StopAndWait(Client& client, std::chrono::milliseconds deadline,
                                             std::vector<MqttMessage> last = {}) {
  const auto begin = std::chrono::steady_clock::now();
  bool done = false;
  client.session->Stop(std::move(last), deadline, [&] { done = true; });
  CHECK_FALSE(done);  // never within the call
  CHECK(RunUntil(client.loop, [&] { return done; }));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

}  // namespace haidang::testing
