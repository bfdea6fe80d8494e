#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/io/mqtt_session.h"

namespace haidang {

// Why a connection ended of which nobody said more.
inline constexpr char kLostWithoutReason[] = "the connection was lost";

// On Paho's threads, under Paho's lock: they must return soon and must not call Paho.
struct PahoCallbacks {
  std::function<void()> connected;            // CONNACK
  std::function<void()> subscribed;           // every SUBACK
  std::function<void(std::string why)> down;  // once: refused, lost, not to be reached
  std::function<void(MqttMessage&&)> message;
  std::function<void()> all_written;  // after WatchWritten, once nothing is left to be written
};

// One connection to the broker through Paho's C library, from CONNECT to its end. Its methods are
// for one thread and may block as long as Paho pleases.
class PahoConnection {
 public:
  // Payloads above this are refused, by the broker where it keeps to our Maximum Packet Size.
  static constexpr size_t kMaxPayloadBytes = 8U << 20;

  PahoConnection(const MqttOptions& options, PahoCallbacks callbacks);
  // Required: it never was live, it was lost, or Close returned true.
  ~PahoConnection();
  PahoConnection(const PahoConnection&) = delete;
  PahoConnection& operator=(const PahoConnection&) = delete;

  void Open(const MqttMessage& will);
  void Subscribe(const std::vector<MqttSubscription>& subscriptions);
  void Send(const MqttMessage& message);

  // DISCONNECT "with Will", waiting at most a second for it to be written. False: it was not, and
  // Paho may still call back: the object must be left alone for ever, because destroying it would
  // tell the broker to forget the Will. No callback is made after it in either case.
  bool Close();

  // From now on `all_written` is called once nothing is left; true where nothing is left already.
  bool WatchWritten();
  // Sent and not yet written (QoS 1: not yet acknowledged). Any thread.
  size_t unwritten_bytes() const { return unwritten_bytes_; }

 private:
  void Down(std::string why);
  void Written();

  struct Hooks;  // Paho's callbacks

  const MqttOptions& options_;
  const PahoCallbacks callbacks_;
  void* handle_ = nullptr;
  std::atomic<bool> silent_{false};  // nobody wants to hear any more
  std::string tls_error_;            // under Paho's lock
  std::string broker_reason_;        // likewise
  std::atomic<int> alias_maximum_{0};
  std::unordered_map<std::string, int> aliases_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool live_ = false;             // under mutex_: CONNACK came and it was neither lost nor closed
  std::deque<size_t> unwritten_;  // under mutex_: bytes of each message
  bool watched_ = false;          // under mutex_
  std::atomic<size_t> unwritten_bytes_{0};
};

}  // namespace haidang
