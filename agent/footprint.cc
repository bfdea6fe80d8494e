#include "agent/footprint.h"

#include <sys/mman.h>

#include <charconv>

#include "agent/sources/text.h"

namespace haidang::agent {

std::vector<std::pair<size_t, size_t>> ParseCodeMappings(std::string_view text) {
  constexpr int kHex = 16;
  std::vector<std::pair<size_t, size_t>> mappings;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view range = TakeField(line);
    const bool code = TakeField(line) == "r-xp";
    for (int field = 0; field < 3; ++field) TakeField(line);  // offset, device, inode
    if (!code || !TakeField(line).starts_with('/')) continue;
    size_t begin = 0;
    size_t end = 0;
    const char* last = range.data() + range.size();
    const auto dash = std::from_chars(range.data(), last, begin, kHex);
    if (dash.ec != std::errc() || dash.ptr == last || *dash.ptr != '-') continue;
    const auto rest = std::from_chars(dash.ptr + 1, last, end, kHex);
    if (rest.ec == std::errc() && rest.ptr == last && begin < end)
      mappings.emplace_back(begin, end);
  }
  return mappings;
}

void ReleaseIdleCode() {
  const auto maps = ReadSmallFile("/proc/self/maps");
  if (!maps) return;
  for (const auto& [begin, end] : ParseCodeMappings(*maps)) {
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT
  }
}

}  // namespace haidang::agent
