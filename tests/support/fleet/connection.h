#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/fleet/mqtt_wire.h"

namespace haidang::fleet {

// What a connection tells its owner; all on the loop thread.
struct ConnectionEvents {
  std::function<Will()> will;  // called before each CONNECT
  std::function<void()> up;    // CONNACK and every SUBACK came
  std::function<void(const std::string& why)> down;
  std::function<void(std::string_view topic, std::string_view payload)> received;
};

// One MQTT connection over plain TCP on a libuv loop. Loop thread only. Does not reconnect by
// itself.
class Connection {
 public:
  Connection(uv_loop_t* loop, std::string client_id, std::vector<std::string> filters,
             ConnectionEvents events);
  // Required: closed(), or the loop will never run again.
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Required: closed().
  void Open(const sockaddr_in& address);
  // DISCONNECT with Will, then closes.
  void Close();

  bool up() const { return state_ == State::kUp; }
  bool closed() const { return state_ == State::kClosed; }

  // Written with the next Flush. Required: up().
  void Publish(std::string_view topic, std::string_view payload);
  void Flush();
  void Ping();
  // Published and not yet taken by the kernel.
  size_t waiting_bytes() const;

 private:
  enum class State { kClosed, kConnecting, kSubscribing, kUp, kClosing };

  void Start();
  void Take(const Packet& packet);
  void Subscribe();
  void Write(std::string bytes);
  void Drop(const std::string& why);

  uv_loop_t* loop_;
  std::string client_id_;
  std::vector<std::string> filters_;
  ConnectionEvents events_;
  State state_ = State::kClosed;
  uv_tcp_t socket_{};
  uv_connect_t connect_{};
  PacketReader reader_;
  size_t missing_subacks_ = 0;
  std::string outgoing_;
  std::vector<char> incoming_;
};

}  // namespace haidang::fleet
