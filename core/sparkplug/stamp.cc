#include "core/sparkplug/stamp.h"

#include <algorithm>
#include <protozero/buffer_string.hpp>
#include <protozero/varint.hpp>

namespace haidang::sparkplug {
namespace {

constexpr char kVersion = 1;
constexpr uint64_t kFlagFull = 1;
constexpr size_t kFixedBytes = 25;  // version, CRC, spool id, boot id

void PutFixed64(uint64_t value, char* at) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>((value >> (8 * i)) & 0xFF);
}

uint64_t GetFixed64(const char* at) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(at[i]);
  return value;
}

}  // namespace

std::string EncodeStamp(const BatchHeader& header) {
  std::string out(kFixedBytes, '\0');
  out[0] = kVersion;
  PutFixed64(header.spool_id, &out[9]);
  PutFixed64(header.boot_id, &out[17]);
  protozero::add_varint_to_buffer(&out, header.full ? kFlagFull : 0);
  protozero::add_varint_to_buffer(
      &out, static_cast<uint64_t>(std::max<int64_t>(header.since_boot_ms, 0)));
  protozero::add_varint_to_buffer(&out, header.groups);
  return out;
}

void PutStampCrc(uint64_t crc, std::string& out, size_t stamp_at) {
  PutFixed64(crc, &out[stamp_at + kStampCrcBegin]);
}

const char* DecodeStamp(std::string_view stamp, BatchHeader& header) {
  if (stamp.empty() || stamp[0] != kVersion) return "Spool/Stamp has an unknown version";
  if (stamp.size() < kFixedBytes) return "Spool/Stamp is too short";
  header.crc = GetFixed64(&stamp[1]);
  header.spool_id = GetFixed64(&stamp[9]);
  header.boot_id = GetFixed64(&stamp[17]);
  if (header.spool_id == 0) return "Spool/Stamp has no spool id";
  const char* p = stamp.data() + kFixedBytes;
  const char* end = stamp.data() + stamp.size();
  const uint64_t flags = protozero::decode_varint(&p, end);
  const uint64_t since_boot = protozero::decode_varint(&p, end);
  header.groups = protozero::decode_varint(&p, end);
  header.full = (flags & kFlagFull) != 0;
  header.since_boot_ms = static_cast<int64_t>(since_boot);
  if (header.since_boot_ms < 0) return "Spool/Stamp has an impossible time since boot";
  if (p != end) return "Spool/Stamp goes on after its end";
  return nullptr;
}

}  // namespace haidang::sparkplug
