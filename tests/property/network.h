#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/io/mqtt_session.h"
#include "core/sparkplug/topic.h"
#include "tests/support/fake_loop.h"

namespace haidang::testing {

// A broker and the links to it, in simulated time: messages are lost, come twice, late, and in
// another order; links are cut with what is on its way. Loop thread only.
class Network {
 public:
  struct Faults {
    double lost = 0;     // of all messages
    double doubled = 0;  // likewise
    std::chrono::milliseconds latest{0};
  };

  Network(FakeLoop& loop, std::mt19937& random) : loop_(loop), random_(random) {}

  // The session of a client of this name; the former one, where there was one, is gone.
  Result<std::unique_ptr<MqttSession>> Make(const std::string& client, MqttHandlers handlers) {
    return std::unique_ptr<MqttSession>(
        std::make_unique<Session>(*this, client, std::move(handlers)));
  }

  // To be called while the client has a session.
  void Connect(const std::string& client) {
    Client& it = clients_[client];
    if (it.up || it.handlers == nullptr) return;
    it.will = it.handlers->will();
    it.up = true;
    ++it.connection;
    it.handlers->connected();
  }
  // The broker says the Will; what was on its way to the client or from it is gone.
  void Cut(const std::string& client) {
    Client& it = clients_[client];
    if (!it.up) return;
    Vanish(it);
    it.handlers->disconnected(Error{"cut"});
  }
  bool connected(const std::string& client) { return clients_[client].up; }

  Faults faults;
  std::string collector;       // its client's name
  uint64_t messages_lost = 0;  // on their way, cut links included

 private:
  struct Client {
    const MqttHandlers* handlers = nullptr;  // of the living session
    bool up = false;
    uint64_t connection = 0;
    MqttMessage will;
  };

  class Session final : public MqttSession {
   public:
    Session(Network& network, std::string client, MqttHandlers handlers)
        : network_(network), client_(std::move(client)), handlers_(std::move(handlers)) {
      network_.clients_[client_].handlers = &handlers_;
    }
    ~Session() override {
      Client& it = network_.clients_[client_];
      if (it.up) network_.Vanish(it);
      it.handlers = nullptr;
    }
    void Start() override {}
    bool connected() const override { return network_.clients_[client_].up; }
    bool Publish(MqttMessage message) override {
      if (!connected()) return false;
      network_.Send(client_, std::move(message));
      return true;
    }
    size_t outgoing_bytes() const override { return 0; }
    void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds,
              std::function<void()> done) override {
      for (MqttMessage& message : last) Publish(std::move(message));
      Client& it = network_.clients_[client_];
      if (it.up) network_.Vanish(it);
      done();
    }
    void Reconnect() override {}

   private:
    Network& network_;
    const std::string client_;
    const MqttHandlers handlers_;
  };

  bool Chance(double of) { return std::uniform_real_distribution<double>(0, 1)(random_) < of; }

  void Vanish(Client& it) {
    it.up = false;
    if (!it.will.topic.empty()) Deliver(collector, std::move(it.will));
    it.will = {};
  }

  // Commands go to their machine, all else to the collector.
  std::string ReceiverOf(const MqttMessage& message) const {
    const auto topic = sparkplug::ParseTopic(message.topic);
    return topic && topic->type == sparkplug::MessageType::kNCmd ? topic->node : collector;
  }

  void Send(const std::string& from, MqttMessage message) {
    if (Chance(faults.lost)) {
      ++messages_lost;
      return;
    }
    const int copies = Chance(faults.doubled) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const std::chrono::milliseconds delay(
          std::uniform_int_distribution<int64_t>(0, faults.latest.count())(random_));
      const uint64_t id = ++sent_;
      const uint64_t connection = clients_[from].connection;
      on_its_way_[id] = loop_.After(delay, [this, id, from, connection, message] {
        const auto timer = on_its_way_.extract(id);
        const Client& sender = clients_[from];
        if (sender.up && sender.connection == connection)
          return Deliver(ReceiverOf(message), message);
        ++messages_lost;
      });
    }
  }

  void Deliver(const std::string& to, MqttMessage message) {
    const Client& it = clients_[to];
    if (!it.up) {
      ++messages_lost;
      return;
    }
    std::vector<MqttMessage> one;
    one.push_back(std::move(message));
    it.handlers->received(std::move(one));
  }

  FakeLoop& loop_;
  std::mt19937& random_;
  std::map<std::string, Client> clients_;
  std::map<uint64_t, std::unique_ptr<Timer>> on_its_way_;
  uint64_t sent_ = 0;
};

}  // namespace haidang::testing
