#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// As much of MQTT 5 as a simulated agent speaks: bytes in, bytes out, no I/O.
namespace haidang::fleet {

enum class PacketType : uint8_t {
  kConnAck = 2,
  kPublish = 3,
  kSubAck = 9,
  kPingResp = 13,
  kDisconnect = 14,
};

struct Will {
  std::string topic;
  std::string payload;
};

// Clean start, session expiry 0; the Will at QoS 1.
std::string EncodeConnect(std::string_view client_id, uint16_t keep_alive_s, const Will& will);
// At QoS 1.
std::string EncodeSubscribe(uint16_t packet_id, const std::vector<std::string>& filters);
// Appends a PUBLISH at QoS 0.
void AppendPublish(std::string_view topic, std::string_view payload, std::string& out);
std::string EncodePing();
// With Will.
std::string EncodeDisconnect();

// A packet of the broker's. Views live until the reader is fed again.
struct Packet {
  PacketType type = PacketType::kPingResp;
  bool refused = false;      // a reason code that says no: CONNACK, SUBACK, DISCONNECT
  std::string_view topic;    // PUBLISH
  std::string_view payload;  // PUBLISH
};

// Puts the broker's bytes together to packets.
class PacketReader {
 public:
  // False where the bytes are no MQTT that we understand; then nothing more can be read.
  bool Feed(std::string_view bytes, const std::function<void(const Packet&)>& take);

 private:
  std::string rest_;
};

}  // namespace haidang::fleet
