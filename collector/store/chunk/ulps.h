#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "collector/store/chunk/magnitude.h"
#include "collector/store/chunk/range_coder.h"

namespace haidang::store {

// How far values are off their decimals: a context for each width of the mantissa, as that tells
// how much the last bit of the double is.
class Ulps {
 public:
  // Coder is RangeEncoder or RangeDecoder. Required: |ulps| < 2^kWidest, which holds of what is
  // read as well.
  template <typename Coder>
  int64_t Code(Coder& coder, int64_t mantissa, int64_t ulps) {
    Context& context = contexts_[static_cast<size_t>(WidthOf(mantissa))];
    const uint64_t given = MagnitudeOf(ulps);
    const int given_width = WidthOf(ulps);
    int width = 0;
    while (width < kWidest &&
           coder.Bit(context.more[static_cast<size_t>(width)], given_width > width)) {
      ++width;
    }
    if (width == 0) return 0;
    const bool negative = coder.Bit(context.sign, ulps < 0);
    const uint64_t leading = uint64_t{1} << (width - 1);
    const auto magnitude =
        static_cast<int64_t>(leading | coder.Raw(given & (leading - 1), width - 1));
    return negative ? -magnitude : magnitude;
  }

 private:
  static constexpr int kWidest = 13;

  struct Context {
    std::array<BitModel, kWidest> more;
    BitModel sign;
  };
  std::array<Context, 65> contexts_;
};

}  // namespace haidang::store
