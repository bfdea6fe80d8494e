#include "tests/support/fleet/mqtt_wire.h"

namespace haidang::fleet {
namespace {

constexpr size_t kMaxPacket = 8U << 20;

void AppendLength(size_t length, std::string& out) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(0x80 | (length & 0x7F));
  out += static_cast<char>(length);
}

void AppendU16(size_t value, std::string& out) {
  out += static_cast<char>((value >> 8) & 0xFF);
  out += static_cast<char>(value & 0xFF);
}

void AppendText(std::string_view text, std::string& out) {
  AppendU16(text.size(), out);
  out += text;
}

std::string Packed(char first, std::string_view body) {
  std::string out(1, first);
  AppendLength(body.size(), out);
  out += body;
  return out;
}

// A length at the head of `bytes`, which is advanced past it. 1: read; 0: more bytes are needed;
// -1: no length.
int TakeLength(std::string_view& bytes, size_t& length) {
  length = 0;
  for (size_t i = 0; i < 4; ++i) {
    if (i == bytes.size()) return 0;
    const auto byte = static_cast<uint8_t>(bytes[i]);
    length |= static_cast<size_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return 1;
    }
  }
  return -1;
}

bool SkipProperties(std::string_view& body) {
  size_t length = 0;
  if (TakeLength(body, length) != 1 || length > body.size()) return false;
  body.remove_prefix(length);
  return true;
}

bool ReadPublish(uint8_t flags, std::string_view body, Packet& packet) {
  if (body.size() < 2) return false;
  const size_t topic =
      static_cast<size_t>(static_cast<uint8_t>(body[0])) << 8 | static_cast<uint8_t>(body[1]);
  const size_t qos = (flags >> 1) & 3;
  const size_t head = 2 + topic + (qos > 0 ? 2 : 0);
  if (body.size() < head) return false;
  packet.topic = body.substr(2, topic);
  body.remove_prefix(head);
  if (!SkipProperties(body)) return false;
  packet.payload = body;
  return true;
}

// False where the body does not fit its type.
bool ReadBody(uint8_t first, std::string_view body, Packet& packet) {
  packet.type = static_cast<PacketType>(first >> 4);
  switch (packet.type) {
    case PacketType::kPublish:
      return ReadPublish(first & 15, body, packet);
    case PacketType::kConnAck:
      if (body.size() < 2) return false;
      packet.refused = static_cast<uint8_t>(body[1]) >= 0x80;
      return true;
    case PacketType::kSubAck:
      if (body.size() < 2) return false;
      body.remove_prefix(2);
      if (!SkipProperties(body)) return false;
      for (const char code : body) {
        packet.refused = packet.refused || static_cast<uint8_t>(code) >= 0x80;
      }
      return true;
    case PacketType::kDisconnect:
      packet.refused = true;
      return true;
    case PacketType::kPingResp:
      return true;
  }
  return false;
}

}  // namespace

std::string EncodeConnect(std::string_view client_id, uint16_t keep_alive_s, const Will& will) {
  std::string body;
  AppendText("MQTT", body);
  body += '\x05';
  body += '\x0E';  // clean start, Will at QoS 1
  AppendU16(keep_alive_s, body);
  body += '\0';  // no properties
  AppendText(client_id, body);
  body += '\0';  // no Will properties
  AppendText(will.topic, body);
  AppendText(will.payload, body);
  return Packed('\x10', body);
}

std::string EncodeSubscribe(uint16_t packet_id, const std::vector<std::string>& filters) {
  std::string body;
  AppendU16(packet_id, body);
  body += '\0';
  for (const std::string& filter : filters) {
    AppendText(filter, body);
    body += '\x01';
  }
  return Packed('\x82', body);
}

void AppendPublish(std::string_view topic, std::string_view payload, std::string& out) {
  out += '\x30';
  AppendLength(2 + topic.size() + 1 + payload.size(), out);
  AppendText(topic, out);
  out += '\0';
  out += payload;
}

std::string EncodePing() { return std::string("\xC0\x00", 2); }

std::string EncodeDisconnect() { return "\xE0\x01\x04"; }

bool PacketReader::Feed(std::string_view bytes, const std::function<void(const Packet&)>& take) {
  rest_ += bytes;
  std::string_view left = rest_;
  while (left.size() >= 2) {
    std::string_view body = left.substr(1);
    size_t length = 0;
    const int known = TakeLength(body, length);
    if (known < 0 || length > kMaxPacket) return false;
    if (known == 0 || body.size() < length) break;
    Packet packet;
    if (!ReadBody(static_cast<uint8_t>(left[0]), body.substr(0, length), packet)) return false;
    take(packet);
    left = body.substr(length);
  }
  rest_.erase(0, rest_.size() - left.size());
  return true;
}

}  // namespace haidang::fleet
