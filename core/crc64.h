#pragma once

#include <cstdint>
#include <string_view>

namespace haidang {

// CRC-64/XZ (polynomial 0x42F0E1EBA9EA3693 reflected, initial value and final XOR all ones), taken
// piece by piece: any split of the same bytes gives the same value. A value type.
class Crc64 {
 public:
  void Update(std::string_view bytes);
  uint64_t value() const { return ~state_; }

 private:
  uint64_t state_ = ~uint64_t{0};
};

// Of one piece: 0x995DC9BBDF1939FA for "123456789".
uint64_t Crc64Of(std::string_view bytes);

}  // namespace haidang
