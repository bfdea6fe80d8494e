#pragma once

#include <bit>
#include <cstdint>

// Signed integers by sign and magnitude; all arithmetic wraps at 2^64.
namespace haidang::store {

inline uint64_t MagnitudeOf(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  return value < 0 ? ~bits + 1 : bits;
}

inline int64_t WithSign(bool negative, uint64_t magnitude) {
  return static_cast<int64_t>(negative ? ~magnitude + 1 : magnitude);
}

// How many bits a number takes: 0 for 0, at most 64.
inline int WidthOf(uint64_t value) { return static_cast<int>(std::bit_width(value)); }
inline int WidthOf(int64_t value) { return WidthOf(MagnitudeOf(value)); }

inline int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrapSubtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace haidang::store
