#include "agent/path/dns_message.h"

#include <algorithm>

namespace haidang::agent {
namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kResponse = 0x8000;
constexpr uint16_t kOpcode = 0x7800;
constexpr uint16_t kTruncated = 0x0200;
constexpr uint16_t kRecursionDesired = 0x0100;
constexpr uint16_t kCode = 0x000f;
constexpr uint16_t kNameError = 3;
constexpr uint16_t kClassIn = 1;
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxName = 253;  // as text

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

void AppendShort(std::string& bytes, uint16_t number) {
  bytes += static_cast<char>(number >> 8);
  bytes += static_cast<char>(number & 0xff);
}

// The question's section: name, type, class.
std::string Question(std::string_view name, DnsType type) {
  std::string bytes;
  if (name.ends_with('.')) name.remove_suffix(1);
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  bytes += '\0';
  AppendShort(bytes, static_cast<uint16_t>(type));
  AppendShort(bytes, kClassIn);
  return bytes;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsSameText(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

// Takes fields off a packet; once there is too little left, nothing is good any more.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::string_view Take(size_t count) {
    if (count > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  uint16_t Short() {
    const std::string_view two = Take(2);
    if (!good_) return 0;
    return static_cast<uint16_t>(static_cast<uint8_t>(two[0]) << 8 | static_cast<uint8_t>(two[1]));
  }
  // A name's end may be a pointer to an earlier one, which is not followed.
  void SkipName() {
    while (good_) {
      const std::string_view one = Take(1);
      if (!good_) return;
      const auto length = static_cast<uint8_t>(one[0]);
      if (length == 0) return;
      if ((length & 0xc0) == 0xc0) {
        Take(1);
        return;
      }
      if (length > kMaxLabel) good_ = false;
      Take(length);
    }
  }
  bool good() const { return good_; }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

DnsAnswer ReadRecords(Reader& reader, size_t records, DnsType type) {
  const size_t address_size = type == DnsType::kA ? 4 : 16;
  for (size_t i = 0; i < records; ++i) {
    reader.SkipName();
    const uint16_t record_type = reader.Short();
    const uint16_t record_class = reader.Short();
    reader.Take(4);  // time to live
    const uint16_t size = reader.Short();
    reader.Take(size);
    if (!reader.good()) return DnsAnswer::kRefusal;
    if (record_type == static_cast<uint16_t>(type) && record_class == kClassIn &&
        size == address_size) {
      return DnsAnswer::kAddress;
    }
  }
  return DnsAnswer::kNoAddress;
}

}  // namespace

Status CheckDnsName(std::string_view name) {
  const std::string quoted = "\"" + std::string(name.substr(0, 80)) + "\"";
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName) {
    return Error{quoted + " is no host name: it has 1 to 253 bytes"};
  }
  size_t label = 0;
  for (const char c : name) {
    label = c == '.' ? 0 : label + 1;
    if (c != '.' && !IsNameByte(c)) {
      return Error{quoted + " is no host name: it has letters, digits, - and dots"};
    }
    if (label > kMaxLabel) return Error{quoted + " is no host name: a part has at most 63 bytes"};
  }
  if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos) {
    return Error{quoted + " is no host name: a part is empty"};
  }
  return {};
}

std::string EncodeDnsQuery(uint16_t id, std::string_view name, DnsType type) {
  std::string packet;
  AppendShort(packet, id);
  AppendShort(packet, kRecursionDesired);
  AppendShort(packet, 1);  // one question
  packet.append(kHeader - packet.size(), '\0');
  return packet + Question(name, type);
}

std::optional<DnsAnswer> ParseDnsAnswer(std::string_view packet, uint16_t id, std::string_view name,
                                        DnsType type) {
  Reader reader(packet);
  const uint16_t its_id = reader.Short();
  const uint16_t flags = reader.Short();
  const uint16_t questions = reader.Short();
  const uint16_t records = reader.Short();
  reader.Take(4);  // how many further records there are
  if (!reader.good() || its_id != id || (flags & kResponse) == 0 || (flags & kOpcode) != 0) {
    return std::nullopt;
  }
  const uint16_t code = flags & kCode;
  // Who cannot read a question need not repeat it.
  if (questions == 0 && code != 0 && code != kNameError) return DnsAnswer::kRefusal;
  const std::string question = Question(name, type);
  if (questions != 1 || !IsSameText(reader.Take(question.size()), question)) return std::nullopt;
  if (code == kNameError) return DnsAnswer::kNoName;
  if (code != 0) return DnsAnswer::kRefusal;
  if ((flags & kTruncated) != 0) return DnsAnswer::kAddress;
  return ReadRecords(reader, records, type);
}

}  // namespace haidang::agent
