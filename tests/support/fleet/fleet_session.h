#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/io/loop.h"
#include "core/io/mqtt_session.h"
#include "tests/support/fleet/connection.h"

namespace haidang::fleet {

// An MqttSession that thousands in one process can have: no thread of its own, plain TCP, all at
// QoS 0. It waits before attempts as the agent's own does (FullJitter), and begins as one that has
// tried in vain for long: with a wait of up to backoff_max. Loop thread only.
class FleetSession final : public MqttSession {
 public:
  // `loop` and `clock` must outlive it. `random` is uniform in [0, 1).
  FleetSession(Loop& loop, const Clock& clock, const sockaddr_in& address, MqttOptions options,
               const std::vector<MqttSubscription>& subscriptions, MqttHandlers handlers,
               std::function<double()> random);

  void Start() override { WaitAndOpen(); }
  bool connected() const override { return up_; }
  bool Publish(MqttMessage message) override;
  size_t outgoing_bytes() const override { return up_ ? connection_.waiting_bytes() : 0; }
  // The death in `last` is said by the Will too.
  void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds deadline,
            std::function<void()> done) override;
  void Reconnect() override;

 private:
  ConnectionEvents MakeEvents();
  void WaitAndOpen();
  void Open();
  void OnUp();
  void OnDown(const std::string& why);
  void AwaitClosed();

  Loop& loop_;
  const Clock& clock_;
  const sockaddr_in address_;
  const MqttOptions options_;
  const MqttHandlers handlers_;
  const std::function<double()> random_;
  Connection connection_;
  bool up_ = false;
  bool again_ = false;  // Reconnect: no wait
  int failures_;
  int64_t up_since_ns_ = 0;
  std::unique_ptr<Timer> timer_;  // the wait, an attempt's patience, or Stop's
  std::unique_ptr<Timer> pings_;
  std::function<void()> done_;  // Stop was called
};

}  // namespace haidang::fleet
