#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/io/loop.h"
#include "core/result.h"

// A connection to the broker that is kept up: MQTT 5 over TLS, clean start, session expiry 0.
// Reconnects explicitly (each CONNECT has a fresh Will), waiting a random time between 0 and a
// doubling cap (full jitter). The session owns a thread, the only one that calls Paho; everything
// public here is for the loop thread, and every callback comes on the loop thread. A topic alias is
// used for the first few topics that are published, where the broker allows.
namespace haidang {

struct MqttOptions {
  std::string uri;  // "ssl://host:8883" or "tcp://host:1883"
  std::string client_id;
  std::string ca_file;    // PEM; required for ssl://
  std::string cert_file;  // PEM chain of this client
  std::string key_file;   // PEM
  // Without a packet for so long a ping is sent; a broker that hangs is given up 2.5 times this
  // after its last word, and sends the Will 1.5 times this after ours. Above the 15 s at which data
  // and acknowledgements go anyway, so that pings are rare.
  std::chrono::seconds keep_alive{20};
  std::chrono::seconds connect_timeout{20};      // slow links need patience
  std::chrono::milliseconds backoff_min{1000};   // first cap of the wait before a new attempt
  std::chrono::milliseconds backoff_max{60000};  // last cap
  size_t max_outgoing_bytes = 4U << 20;  // queued but not yet written; beyond that Publish refuses
};

struct MqttMessage {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retained = false;
};

struct MqttSubscription {
  std::string filter;
  int qos = 0;
};

// Observed by the owner; all on the loop thread.
struct MqttHandlers {
  // Called before each CONNECT; returns its Will (none where the topic is empty).
  std::function<MqttMessage()> will;
  // CONNACK and every SUBACK have come: publishing may begin.
  std::function<void()> connected;
  // The connection was lost or could not be made; a new attempt follows by itself. Called once for
  // each loss and once for the first of a row of failed attempts.
  std::function<void(const Error& why)> disconnected;
  // Messages in order of arrival; many at once under load, but no more than the loop takes in some
  // milliseconds. Payloads above 8 MiB never come. While 16 MiB wait for the loop, nothing more is
  // read from the broker.
  std::function<void(std::vector<MqttMessage>&& messages)> received;
};

class MqttSession {
 public:
  virtual ~MqttSession() = default;

  virtual void Start() = 0;
  virtual bool connected() const = 0;

  // Hands a message to the network; false when not connected or when max_outgoing_bytes would be
  // exceeded. "True" promises nothing: only the other side's word does.
  virtual bool Publish(MqttMessage message) = 0;

  // Bytes handed over but not yet written to the socket.
  virtual size_t outgoing_bytes() const = 0;

  // Publishes `last` in order, then DISCONNECT "with Will" (reason 0x04) when connected, then calls
  // `done`, after `deadline` at the latest whatever the network does. No callback comes after it.
  virtual void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds deadline,
                    std::function<void()> done) = 0;

  // Ends the connection (DISCONNECT with Will) and makes a new one at once. `disconnected` is not
  // called for it.
  virtual void Reconnect() = 0;
};

// An Error where the options cannot work: unreadable certificate, key of another one, bad URI. Does
// no I/O on the network before Start().
Result<std::unique_ptr<MqttSession>> MakeMqttSession(Loop& loop, const Clock& clock,
                                                     MqttOptions options,
                                                     std::vector<MqttSubscription> subscriptions,
                                                     MqttHandlers handlers);

// The wait before attempt `attempt` (0 is the first retry): uniform in [0, min(max,
// min·2^attempt)]. `random` is uniform in [0, 1).
std::chrono::milliseconds FullJitter(const MqttOptions& options, int attempt, double random);

// How long to wait before each new attempt: longer and longer, until a connection was a good one,
// which is one that lived for a minute.
class Backoff {
 public:
  // `options` must outlive the Backoff.
  explicit Backoff(const MqttOptions& options) : options_(options) {}

  // The wait after an attempt that failed.
  std::chrono::milliseconds Failed(double random) {
    return FullJitter(options_, failures_++, random);
  }
  // The wait after a connection that was lost when it had lived this long.
  std::chrono::milliseconds Lost(std::chrono::nanoseconds lived, double random);
  // Whether one connection after the other is lost soon.
  bool flapping() const { return brief_ > 1; }

 private:
  const MqttOptions& options_;
  int failures_ = 0;  // attempts since the last good connection
  int brief_ = 0;     // connections since then
};

}  // namespace haidang
