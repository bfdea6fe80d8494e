#pragma once

#include <bit>
#include <cstdint>
#include <span>

// What plain Gorilla (Pelkonen and others, VLDB 2015) takes for a series, to compare with: times as
// differences of differences in its classes, values as XOR with the one before.
namespace haidang::bench {

inline uint64_t GorillaTimeBits(std::span<const int64_t> times) {
  uint64_t bits = 64;
  int64_t before = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const int64_t step = times[i] - times[i - 1];
    const int64_t change = step - before;
    before = step;
    if (change == 0) {
      bits += 1;
    } else if (change >= -63 && change <= 64) {
      bits += 2 + 7;
    } else if (change >= -255 && change <= 256) {
      bits += 3 + 9;
    } else if (change >= -2047 && change <= 2048) {
      bits += 4 + 12;
    } else {
      bits += 4 + 32;
    }
  }
  return bits;
}

inline uint64_t GorillaValueBits(std::span<const double> values) {
  uint64_t bits = 64;
  int leading = 65;  // of the window that is open; 65: none yet
  int trailing = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const auto changed =
        std::bit_cast<uint64_t>(values[i]) ^ std::bit_cast<uint64_t>(values[i - 1]);
    if (changed == 0) {
      bits += 1;
      continue;
    }
    const int zeros = std::countl_zero(changed) < 31 ? std::countl_zero(changed) : 31;
    const int ends = std::countr_zero(changed);
    if (leading <= 64 && zeros >= leading && ends >= trailing) {
      bits += static_cast<uint64_t>(2 + 64 - leading - trailing);
      continue;
    }
    leading = zeros;
    trailing = ends;
    bits += static_cast<uint64_t>(2 + 5 + 6 + 64 - leading - trailing);
  }
  return bits;
}

}  // namespace haidang::bench
