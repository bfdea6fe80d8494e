#include "collector/store/chunk/decimal.h"

#include <array>
#include <bit>
#include <cmath>

#include "collector/store/chunk/magnitude.h"

namespace haidang::store {
namespace {

constexpr std::array<double, kMaxExponent + 1> kPowers = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

int64_t BitsOf(double value) { return std::bit_cast<int64_t>(value); }

// The nearest whole number; false where it is none that a mantissa may be.
bool Rounded(double value, int64_t& mantissa) {
  if (!(std::fabs(value) < static_cast<double>(kMaxMantissa))) return false;
  mantissa = static_cast<int64_t>(value + (value < 0 ? -0.5 : 0.5));
  return mantissa < kMaxMantissa && mantissa > -kMaxMantissa;
}

bool Fits(double value, int exponent, Decimal& decimal) {
  const double power = kPowers[static_cast<size_t>(exponent)];
  if (!Rounded(value * power, decimal.mantissa)) return false;
  const double near = static_cast<double>(decimal.mantissa) / power;
  decimal.ulps = WrapSubtract(BitsOf(value), BitsOf(near));
  return decimal.ulps <= kMaxUlps && decimal.ulps >= -kMaxUlps;
}

// The least exponent at which `value` is a decimal, sought from `guess`; -1 where there is none.
int LeastExponent(double value, int guess) {
  Decimal ignored;
  if (Fits(value, guess, ignored)) {
    while (guess > 0 && Fits(value, guess - 1, ignored)) --guess;
    return guess;
  }
  if (!(std::fabs(value) < static_cast<double>(kMaxMantissa))) return -1;
  for (int exponent = guess + 1; exponent <= kMaxExponent; ++exponent) {
    if (Fits(value, exponent, ignored)) return exponent;
  }
  // Too large for the guess already.
  for (int exponent = guess - 1; exponent >= 0; --exponent) {
    if (Fits(value, exponent, ignored)) return exponent;
  }
  return -1;
}

}  // namespace

std::optional<Decimal> ToDecimal(double value, int exponent) {
  Decimal decimal;
  if (!Fits(value, exponent, decimal)) return std::nullopt;
  return decimal;
}

double FromDecimal(int64_t mantissa, int64_t ulps, int exponent) {
  const double near = static_cast<double>(mantissa) / kPowers[static_cast<size_t>(exponent)];
  return std::bit_cast<double>(WrapAdd(BitsOf(near), ulps));
}

void FromDecimals(std::span<const int64_t> mantissas, int exponent, std::span<double> values) {
  const double power = kPowers[static_cast<size_t>(exponent)];
  if (exponent == 0) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(mantissas[i]);
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(mantissas[i]) / power;
}

std::optional<int> CommonExponent(std::span<const double> values) {
  std::array<size_t, kMaxExponent + 1> least{};  // how many need this exponent
  const size_t most_apart = values.size() / 16;
  size_t apart = 0;
  size_t changes = 0;
  int guess = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && BitsOf(values[i]) == BitsOf(values[i - 1])) continue;
    ++changes;
    const int exponent = LeastExponent(values[i], guess);
    if (exponent < 0) {
      if (++apart > most_apart) return std::nullopt;
      continue;
    }
    guess = exponent;
    ++least[static_cast<size_t>(exponent)];
  }
  // An exponent costs each value that changes 10/3 bits, a value that is kept apart 66.
  constexpr size_t kThirdsApart = 198;
  constexpr size_t kThirdsExponent = 10;
  size_t further = changes - apart;  // need more than `exponent`
  size_t best_cost = SIZE_MAX;
  std::optional<int> best;
  for (size_t exponent = 0; exponent < least.size(); ++exponent) {
    further -= least[exponent];
    if (further + apart > most_apart) continue;
    const size_t cost = further * kThirdsApart + exponent * kThirdsExponent * changes;
    if (cost < best_cost) {
      best_cost = cost;
      best = static_cast<int>(exponent);
    }
  }
  return best;
}

}  // namespace haidang::store
