#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/io/loop.h"
#include "core/io/mqtt_session.h"

// Paho's C library behind a thread of our own. What we know of it, and why this is so:
// * It holds one lock while it resolves names, so any call may block for seconds: only our thread
//   calls it, and nobody ever waits for our thread.
// * Its callbacks come on its threads under that lock: they only hand over to ours or to the loop.
// * What was queued when a connection was lost is sent on the next one, before SUBSCRIBE: so each
//   connection has a client of its own, destroyed after it.
// * Its destroy says DISCONNECT without Will to a live connection: so a live one is closed first.
namespace haidang {

// What happens, on the loop thread. `attempt` is Connect's.
struct PahoEvents {
  std::function<void(uint64_t attempt)> up;  // CONNACK and every SUBACK
  std::function<void(uint64_t attempt, const std::string& why)> down;
  std::function<void(uint64_t attempt)> closed;  // after Close or Finish
  // Through a MessageInbox: while it is full Paho's receiving thread waits, so that TCP pushes back
  // on the broker.
  std::function<void(std::vector<MqttMessage>&& messages)> received;
};

class PahoClient {
 public:
  // All methods are for the loop thread and return at once. The thread starts with the first job.
  PahoClient(Loop& loop, const MqttOptions& options, std::vector<MqttSubscription> subscriptions,
             PahoEvents events);
  // No event comes any more. A live connection is closed with Will; a thread that hangs in Paho is
  // left behind.
  ~PahoClient();
  PahoClient(const PahoClient&) = delete;
  PahoClient& operator=(const PahoClient&) = delete;

  // Gives up what there was, then connects and subscribes.
  void Connect(uint64_t attempt, MqttMessage will);
  void Publish(MqttMessage message);
  // Publishes, waits until all was written (QoS 1: acknowledged), then DISCONNECT with Will.
  void Finish(std::vector<MqttMessage> last);
  // DISCONNECT with Will now.
  void Close();

  // Handed over for the current connection and not yet written (QoS 1: not yet acknowledged).
  size_t outgoing_bytes() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace haidang
