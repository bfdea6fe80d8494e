#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/chunk/presence.h"

// Series as machines have them, and such as nobody has, from a seed that a failing test prints.
namespace haidang::store::testing {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  uint64_t Any() { return random_(); }
  // Uniform in [0, below).
  uint64_t Below(uint64_t below) { return random_() % below; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  // About a bell around 0, some 3 wide.
  double Noise() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(Below(1 << 20)) / (1 << 20);
    return sum - 6;
  }

  static constexpr uint64_t kKinds = 14;
  // Series of `size` values; the kind says what they are like.
  std::vector<double> Series(uint64_t kind, size_t size) {
    std::vector<double> values(size);
    const double start = std::floor(std::ldexp(1, static_cast<int>(Below(40))));
    const double scale = std::pow(10, static_cast<double>(Below(7)));
    double level = start;
    for (size_t i = 0; i < size; ++i) {
      if (kind != 0 && kind != 13) level += std::floor(Noise() * 10);
      values[i] = Next(kind, i, start, level, scale);
    }
    return values;
  }

  // Mostly values; holes, failures and a late birth; or the pattern of a slow probe.
  std::vector<Presence> PresenceOf(size_t size) {
    std::vector<Presence> presence(size, Presence::kValue);
    const uint64_t kind = Below(4);
    const size_t birth = OneIn(3) ? Below(size + 1) : 0;
    Presence mark = Presence::kValue;
    for (size_t i = 0; i < size; ++i) {
      if (kind == 1 && i % 4 != 0) presence[i] = Presence::kUnknown;
      if (kind == 2 && OneIn(20)) mark = static_cast<Presence>(Below(4));
      if (kind == 2) presence[i] = mark;
      if (kind == 3) presence[i] = static_cast<Presence>(Below(4));
      if (i < birth) presence[i] = Presence::kAbsent;
    }
    return presence;
  }

  std::string Bytes(size_t max_size) {
    std::string bytes(Below(max_size + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  // `bytes` with a few of them changed, cut or added.
  std::string Damaged(std::string bytes) {
    for (uint64_t n = Below(4); n > 0 && !bytes.empty(); --n) {
      bytes[Below(bytes.size())] = static_cast<char>(random_());
    }
    if (OneIn(3)) bytes.resize(Below(bytes.size() + 1));
    if (OneIn(5)) bytes += Bytes(20);
    return bytes;
  }

 private:
  double Next(uint64_t kind, size_t i, double start, double level, double scale) {
    const auto at = static_cast<double>(i);
    switch (kind) {
      case 0:
        return start;
      case 1:  // a counter that grows evenly
        return start + at * 15;
      case 2:  // decimals as programs compute them
        return level / scale;
      case 3:
        return level * 0.1 + 0.2;
      case 4:  // pages of memory
        return level * 4096;
      case 5:  // all the digits that there are
        return start + Noise();
      case 6:  // any bit pattern
        return std::bit_cast<double>(Any());
      case 7:  // decimals with what is none among them
        return OneIn(40) ? Special() : level / 100;
      case 8:
        return Special();
      case 9:  // from single precision
        return static_cast<double>(static_cast<float>(start + Noise()));
      case 10:  // a state
        return OneIn(50) ? 0 : 1;
      case 11:  // spikes
        return OneIn(30) ? start * 1000 + at : std::floor(Noise());
      case 12:  // tiny and huge
        return std::ldexp(Noise(), static_cast<int>(Below(2200)) - 1100);
      default:
        return OneIn(2) ? start : -start;
    }
  }

  double Special() {
    using Limits = std::numeric_limits<double>;
    static constexpr double kSpecial[] = {0.0,
                                          -0.0,
                                          Limits::infinity(),
                                          -Limits::infinity(),
                                          Limits::quiet_NaN(),
                                          Limits::min(),
                                          Limits::max(),
                                          Limits::lowest(),
                                          Limits::denorm_min(),
                                          -Limits::denorm_min(),
                                          0x1p53,
                                          -0x1p53,
                                          0x1p63,
                                          0x1p64,
                                          0.1};
    if (OneIn(6)) return std::bit_cast<double>(0x7FF0000000000001 | Below(uint64_t{1} << 51));
    return kSpecial[Below(std::size(kSpecial))];
  }

  std::mt19937_64 random_;
};

// Equal bit by bit.
inline bool SameBits(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double one, double other) {
    return std::bit_cast<uint64_t>(one) == std::bit_cast<uint64_t>(other);
  });
}

inline std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex += kDigits[static_cast<uint8_t>(byte) >> 4];
    hex += kDigits[static_cast<uint8_t>(byte) & 15];
  }
  return hex;
}

}  // namespace haidang::store::testing
