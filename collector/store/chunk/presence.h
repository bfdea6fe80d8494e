#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collector/store/chunk/range_coder.h"

namespace haidang::store {

// What a series has at a tick of its machine. On disk: never renumber.
enum class Presence : uint8_t {
  kValue = 0,
  kNull = 1,     // its source failed
  kUnknown = 2,  // a hole, or its source was not read
  kAbsent = 3,   // before its birth
};
inline constexpr int kPresenceBits = 2;

// Marks, one a tick, each below 2^Bits: what holds on, and what comes again at the same distance,
// costs next to nothing. Coder is RangeEncoder (reads `marks`) or RangeDecoder (writes them).
template <int Bits>
class Marks {
 public:
  template <typename Coder>
  uint8_t Code(Coder& coder, uint8_t given) {
    const size_t length = run_ < kLongest ? run_ : kLongest;
    const size_t before = runs_[mark_] == run_ ? 1 : 0;  // as long as its last run was
    uint8_t mark = mark_;
    if (coder.Bit(change_[mark_][before][length], given != mark_)) {
      mark = 0;
      size_t node = 1;
      for (int bit = Bits - 1; bit >= 0; --bit) {
        node = node << 1 | (coder.Bit(next_[mark_][node], (given >> bit & 1) != 0) ? 1U : 0U);
      }
      mark = static_cast<uint8_t>(node - kCount);
      runs_[mark_] = run_;
      run_ = 0;
      mark_ = mark;
    }
    ++run_;
    return mark;
  }

 private:
  static constexpr size_t kCount = size_t{1} << Bits;
  static constexpr size_t kLongest = 15;

  BitModel change_[kCount][2][kLongest + 1];
  BitModel next_[kCount][kCount];
  size_t runs_[kCount] = {};  // length of each mark's last run
  size_t run_ = 0;
  uint8_t mark_ = 0;
};

// Some tick has no value.
bool IsPartial(std::span<const Presence> presence);

// Empty: every tick has a value.
void EncodePresence(RangeEncoder& coder, std::span<const Presence> presence);

// How many of the `ticks` have a value; `presence` is left empty where all have.
size_t DecodePresence(RangeDecoder& coder, size_t ticks, std::vector<Presence>& presence);

}  // namespace haidang::store
