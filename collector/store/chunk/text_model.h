#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/store/chunk/range_coder.h"
#include "collector/store/chunk/residuals.h"

namespace haidang::store {

// Texts one after another. Each byte is first guessed from the texts before (it follows what the
// last two bytes were followed by when they last came, and goes on from there), and spelled where
// the guess is wrong, in the context of the upper three bits of the byte before it.
class TextModel {
 public:
  void Write(RangeEncoder& coder, std::string_view text) {
    lengths_.Code(coder, static_cast<int64_t>(text.size()) - static_cast<int64_t>(last_length_));
    Begin(text.size());
    for (const char byte : text) Code(coder, byte);
  }

  // False where the text would be longer than `max_bytes`.
  bool Read(RangeDecoder& coder, size_t max_bytes, std::string& text) {
    const int64_t difference = lengths_.Code(coder, 0);
    const int64_t length = WrapAdd(difference, static_cast<int64_t>(last_length_));
    if (length < 0 || static_cast<uint64_t>(length) > max_bytes) return false;
    const size_t start = all_.size();
    Begin(static_cast<size_t>(length));
    for (int64_t i = 0; i < length; ++i) Code(coder, '\0');
    text.assign(all_, start);
    return true;
  }

 private:
  static constexpr size_t kContexts = 4096;
  static constexpr size_t kLongest = 7;

  // The guess goes on at the beginning of the text before.
  void Begin(size_t length) {
    guess_ = all_.size() - last_length_;
    last_length_ = length;
    run_ = 0;
  }

  template <typename Coder>
  void Code(Coder& coder, char given) {
    char byte = '\0';
    if (guess_ < all_.size() && Guessed(coder, given)) {
      byte = all_[guess_++];
      run_ = std::min(run_ + 1, kLongest);
      all_ += byte;
      followed_[Context()] = static_cast<uint32_t>(all_.size());
      return;
    }
    byte = Spelled(coder, given);
    all_ += byte;
    uint32_t& followed = followed_[Context()];
    guess_ = followed != 0 ? followed : guess_ + 1;
    followed = static_cast<uint32_t>(all_.size());
    run_ = 0;
  }

  template <typename Coder>
  bool Guessed(Coder& coder, char given) {
    const char guess = all_[guess_];
    return !coder.Bit(wrong_[run_][static_cast<uint8_t>(guess) >> 4], given != guess);
  }

  template <typename Coder>
  char Spelled(Coder& coder, char given) {
    const char last = all_.empty() ? '\0' : all_.back();
    auto& tree = bytes_[static_cast<uint8_t>(last) >> 5];
    size_t node = 1;
    for (int bit = 7; bit >= 0; --bit) {
      const bool one = coder.Bit(tree[node], (static_cast<uint8_t>(given) >> bit & 1) != 0);
      node = node << 1 | (one ? 1U : 0U);
    }
    return static_cast<char>(node & 0xFF);
  }

  // Of the last two bytes.
  size_t Context() const {
    const size_t size = all_.size();
    const auto last = static_cast<uint8_t>(all_[size - 1]);
    const auto before = size < 2 ? uint8_t{0} : static_cast<uint8_t>(all_[size - 2]);
    return (size_t{before} << 5 ^ last) % kContexts;
  }

  std::string all_;         // the texts so far, one behind the other
  size_t last_length_ = 0;  // of the last text in it
  size_t guess_ = 0;        // where in `all_` the next byte is guessed to stand already
  size_t run_ = 0;          // guesses that were right since one was wrong
  Residuals lengths_;
  std::array<uint32_t, kContexts> followed_{};  // where the byte after a context stands; 0: unknown
  std::array<std::array<BitModel, 16>, kLongest + 1> wrong_;
  std::array<std::array<BitModel, 256>, 8> bytes_;
};

}  // namespace haidang::store
