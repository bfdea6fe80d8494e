#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace haidang::store {

// A double as mantissa / 10^exponent, which IEEE 754 rounds correctly and so alike everywhere, and
// how many doubles further it lies ("ulps": most decimals of a computer are 0 or ±1 of them off).
// Only one division of two exact doubles; this file is compiled without contraction of operations.
inline constexpr int kMaxExponent = 22;    // 10^22 is the last power that a double holds exactly
inline constexpr int64_t kMaxUlps = 4096;  // further off it is no decimal
inline constexpr int64_t kMaxMantissa = int64_t{1} << 53;  // and no mantissa is as large as this

struct Decimal {
  int64_t mantissa = 0;
  int64_t ulps = 0;
};

// Nothing where no such decimal lies near. Never for -0.0, infinities and NaN. Required:
// 0 ≤ exponent ≤ kMaxExponent.
std::optional<Decimal> ToDecimal(double value, int exponent);

// The other way, whatever the two are.
double FromDecimal(int64_t mantissa, int64_t ulps, int exponent);
// The same for ulps = 0, in place of each mantissa.
void FromDecimals(std::span<const int64_t> mantissas, int exponent, std::span<double> values);

// The exponent at which most of the values are decimals; the others, fewer than one in sixteen, are
// to be kept apart. Nothing where there is none.
std::optional<int> CommonExponent(std::span<const double> values);

}  // namespace haidang::store
