#include "core/crc64.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using haidang::Crc64;
using haidang::Crc64Of;

namespace {

// Bit by bit, as the polynomial's definition has it.
uint64_t Slow(std::string_view bytes) {
  uint64_t crc = ~uint64_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xC96C5795D7870F42 : 0);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("CRC-64/XZ gives the catalogue's check value") {
  CHECK(Crc64Of("123456789") == 0x995DC9BBDF1939FA);
  CHECK(Crc64Of("") == 0);
}

TEST_CASE("any split of the bytes gives the same CRC as bit by bit") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const size_t split = bytes.empty() ? 0 : random() % bytes.size();
    Crc64 crc;
    crc.Update(std::string_view(bytes).substr(0, split));
    crc.Update(std::string_view(bytes).substr(split));
    REQUIRE(crc.value() == Slow(bytes));
    REQUIRE(Crc64Of(bytes) == Slow(bytes));
  }
}
