#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// An adaptive binary range coder, as docs/store-format.md ("Range coder") describes it bit by bit.
// Encoder and decoder have the same functions, so that one template walks both ways: what is given
// is written by the encoder and ignored by the decoder, and both answer what stands in the stream.
namespace haidang::store {

// How likely the next bit of one context is 0, learned from the bits before. Never 0 nor certain.
class BitModel {
 public:
  uint32_t zero() const { return zero_; }  // of 65 536

  void Learn(bool bit) {
    const uint32_t shift = kShift[seen_];
    seen_ = kNext[seen_];
    const uint32_t up = (kOne - zero_) >> shift;
    const uint32_t down = zero_ >> shift;
    zero_ = static_cast<uint16_t>(bit ? zero_ - down : zero_ + up);
  }

 private:
  static constexpr uint32_t kOne = 1 << 16;
  // Fast at first, slow later, by how many bits were seen.
  static constexpr std::array<uint8_t, 16> kShift = {1, 2, 2, 3, 3, 3, 4, 4,
                                                     4, 4, 4, 4, 5, 5, 5, 5};
  static constexpr std::array<uint8_t, 16> kNext = {1, 2,  3,  4,  5,  6,  7,  8,
                                                    9, 10, 11, 12, 13, 14, 15, 15};

  uint16_t zero_ = kOne / 2;
  uint16_t seen_ = 0;
};

class RangeEncoder {
 public:
  // Appends to `out`, which must outlive the encoder.
  explicit RangeEncoder(std::string& out) : out_(out), begin_(out.size()) {}

  bool Bit(BitModel& model, bool bit) {
    const uint64_t bound = (range_ >> 16) * model.zero();
    if (bit) {
      Raise(bound);
      range_ -= bound;
    } else {
      range_ = bound;
    }
    model.Learn(bit);
    Normalize();
    return bit;
  }

  // The low `count` bits of `value`, the highest first, 24 at a time, each as likely as the other.
  // Required: count ≤ 64, value < 2^count.
  uint64_t Raw(uint64_t value, int count) {
    for (int left = count; left > 0;) {
      const int step = left < 24 ? left : 24;
      left -= step;
      range_ >>= step;
      Raise(((value >> left) & ((uint64_t{1} << step) - 1)) * range_);
      Normalize();
    }
    return value;
  }

  // Writes the shortest end that means the same. Call once, last.
  void Finish() {
    // Any number in [low, low + range) will do: the one that ends in the most zero bytes.
    for (int kept = 0; kept <= 64; kept += 8) {
      const uint64_t mask = kept == 64 ? 0 : ~uint64_t{0} >> kept;
      const uint64_t up = (mask - (low_ & mask) + 1) & mask;  // to the next multiple
      if (up >= range_) continue;
      Raise(up);
      break;
    }
    for (int i = 0; i < 2; ++i) Shift();
    while (out_.size() > begin_ && out_.back() == 0) out_.pop_back();
  }

 private:
  void Raise(uint64_t by) {
    low_ += by;
    if (low_ >= by) return;
    for (size_t i = out_.size(); i-- > begin_;) {  // the carry
      const auto byte = static_cast<uint8_t>(static_cast<uint8_t>(out_[i]) + 1);
      out_[i] = static_cast<char>(byte);
      if (byte != 0) break;
    }
  }
  void Normalize() {
    if (range_ >> 32 != 0) return;
    range_ <<= 32;
    Shift();
  }
  void Shift() {
    const std::array<char, 4> four = {static_cast<char>(low_ >> 56), static_cast<char>(low_ >> 48),
                                      static_cast<char>(low_ >> 40), static_cast<char>(low_ >> 32)};
    out_.append(four.data(), four.size());
    low_ <<= 32;
  }

  std::string& out_;
  size_t begin_;
  uint64_t low_ = 0;
  uint64_t range_ = ~uint64_t{0};
};

// Never fails: behind the end of its bytes it reads zeros, which the encoder does not write.
class RangeDecoder {
 public:
  // `bytes` must outlive the decoder.
  explicit RangeDecoder(std::string_view bytes) : bytes_(bytes) {
    code_ = uint64_t{Four()} << 32;
    code_ |= Four();
  }

  bool Bit(BitModel& model, bool = false) {
    const uint64_t bound = (range_ >> 16) * model.zero();
    const bool bit = code_ >= bound;
    code_ -= bit ? bound : 0;
    range_ = bit ? range_ - bound : bound;
    model.Learn(bit);
    Normalize();
    return bit;
  }

  uint64_t Raw(uint64_t, int count) {
    uint64_t value = 0;
    for (int left = count; left > 0;) {
      const int step = left < 24 ? left : 24;
      left -= step;
      range_ >>= step;
      uint64_t part = code_ / range_;
      const uint64_t most = (uint64_t{1} << step) - 1;
      if (part > most) part = most;  // damaged: no encoder writes this
      code_ -= part * range_;
      value = (value << step) | part;
      Normalize();
    }
    return value;
  }

  // No byte is left over. (Zeros at the end are never written, however many.)
  bool Ended() const { return at_ >= bytes_.size(); }

 private:
  void Normalize() {
    if (range_ >> 32 != 0) return;
    range_ <<= 32;
    code_ = (code_ << 32) | Four();
  }
  uint32_t Four() {
    uint32_t four = 0;
    if (at_ + 4 <= bytes_.size()) {
      for (size_t i = 0; i < 4; ++i) four = (four << 8) | static_cast<uint8_t>(bytes_[at_ + i]);
    } else {
      for (size_t i = at_; i < at_ + 4; ++i) {
        four = (four << 8) | (i < bytes_.size() ? static_cast<uint8_t>(bytes_[i]) : 0U);
      }
    }
    at_ += 4;
    return four;
  }

  std::string_view bytes_;
  size_t at_ = 0;
  uint64_t code_ = 0;
  uint64_t range_ = ~uint64_t{0};
};

}  // namespace haidang::store
