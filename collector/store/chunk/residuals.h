#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "collector/store/chunk/magnitude.h"
#include "collector/store/chunk/range_coder.h"

namespace haidang::store {

// Small signed integers, each coded as the width of its magnitude, its sign and the bits below its
// leading one; the widths in the context of the widths before (docs/store-format.md, "Residuals").
class Residuals {
 public:
  // Coder is RangeEncoder or RangeDecoder. Answers what stands in the stream.
  template <typename Coder>
  int64_t Code(Coder& coder, int64_t residual) {
    const uint64_t given = MagnitudeOf(residual);
    const int width = Width(coder, WidthOf(given));
    if (width == 0) return 0;
    const bool negative = coder.Bit(signs_[history_ >> 3 & 3], residual < 0);
    history_ = (history_ & 7) | ((history_ >> 3 << 1 & 2) | (negative ? 1U : 0U)) << 3;
    return WithSign(negative, Below(coder, given, width));
  }

 private:
  static constexpr int kAverages = 24;  // larger average widths share a context
  static constexpr int kSteps = 24;
  static constexpr int kModelled = 12;  // up to this width, the bits behind the leading one are
  static constexpr int kHead = 3;       // modelled, so many of them

  template <typename Coder>
  int Width(Coder& coder, int width) {
    const int average = (average_ + 8) >> 4;
    const bool not_zero = coder.Bit(
        zero_[(history_ & 7) << 3 | static_cast<unsigned>(std::min(average, 7))], width != 0);
    history_ = (history_ & ~7U) | ((history_ << 1 & 6) | (not_zero ? 1U : 0U));
    const int coded = not_zero ? NonZeroWidth(coder, width, average) : 0;
    const int error = coded * 16 - average_;
    average_ += (error + (error > 0 ? 3 : 0)) >> 2;
    return coded;
  }

  // 1 to 64: first whether it is below `average` - 1, then one step at a time away from there.
  template <typename Coder>
  int NonZeroWidth(Coder& coder, int width, int average) {
    auto& steps = steps_[static_cast<size_t>(std::min(average, kAverages - 1))];
    const int base = std::max(1, average - 1);
    if (base > 1 && coder.Bit(steps.below, width < base)) {
      int at = base - 1;
      while (at > 1 && coder.Bit(steps.down[Step(base - 1 - at)], width != at)) --at;
      return at;
    }
    int at = base;
    while (at < 64 && coder.Bit(steps.up[Step(at - base)], width != at)) ++at;
    return at;
  }

  template <typename Coder>
  uint64_t Below(Coder& coder, uint64_t given, int width) {
    uint64_t magnitude = 1;
    int left = width - 1;
    if (width <= kModelled) {
      auto& tree = heads_[static_cast<size_t>(width)];
      for (int i = 0; i < kHead && left > 0; ++i) {
        --left;
        magnitude =
            magnitude << 1 | (coder.Bit(tree[magnitude], (given >> left & 1) != 0) ? 1U : 0U);
      }
    }
    if (left == 0) return magnitude;
    const uint64_t rest = coder.Raw(given & ((uint64_t{1} << left) - 1), left);
    return magnitude << left | rest;
  }

  static size_t Step(int distance) { return static_cast<size_t>(std::min(distance, kSteps - 1)); }

  struct Steps {
    BitModel below;
    std::array<BitModel, kSteps> up;
    std::array<BitModel, kSteps> down;
  };
  std::array<BitModel, 64> zero_;
  std::array<Steps, kAverages> steps_;
  std::array<BitModel, 4> signs_;
  std::array<std::array<BitModel, 1 << kHead>, kModelled + 1> heads_;
  int average_ = 0;       // of the widths, in sixteenths
  uint32_t history_ = 0;  // bits 0 to 2: the last three were not zero; 3 and 4: the last two signs
};

}  // namespace haidang::store
