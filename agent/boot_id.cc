#include "agent/boot_id.h"

#include <charconv>

#include "agent/sources/text.h"

namespace haidang::agent {

Result<uint64_t> ParseBootId(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-' && c != '\n') digits += c;
  }
  uint64_t halves[2] = {};
  if (digits.size() != 32) return Error{"is not a UUID"};
  for (size_t half = 0; half < 2; ++half) {
    const char* begin = digits.data() + half * 16;
    const auto [end, error] = std::from_chars(begin, begin + 16, halves[half], 16);
    if (error != std::errc() || end != begin + 16) return Error{"is not a UUID"};
  }
  return halves[0] ^ halves[1];
}

Result<uint64_t> ReadBootId(const std::string& root) {
  const std::string path = root + "proc/sys/kernel/random/boot_id";
  const auto text = ReadSmallFile(path);
  if (!text) return text.error();
  const auto boot_id = ParseBootId(*text);
  if (!boot_id) return Error{path + ": " + boot_id.error().message};
  return *boot_id;
}

}  // namespace haidang::agent
