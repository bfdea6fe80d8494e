#include "collector/store/chunk/doubles.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "collector/store/chunk/decimal.h"
#include "collector/store/chunk/magnitude.h"
#include "collector/store/chunk/presence.h"
#include "collector/store/chunk/ulps.h"

namespace haidang::store {
namespace {

constexpr int kCodingBits = 3;
constexpr int kExponentBits = 5;
// A decimal that takes less than this a value is not compared with the patterns.
constexpr uint64_t kGoodBits = 20;
constexpr uint64_t kApartBits = 66;

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// The order of these integers is that of the doubles, -0.0 just below 0.0.
int64_t ToPattern(double value) {
  const auto bits = std::bit_cast<int64_t>(value);
  return bits ^ (bits >> 63 & std::numeric_limits<int64_t>::max());
}
double FromPattern(int64_t pattern) {
  return std::bit_cast<double>(pattern ^ (pattern >> 63 & std::numeric_limits<int64_t>::max()));
}

bool AllTheSame(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [&](double value) { return BitsOf(value) == BitsOf(values[0]); });
}

// Answers what it takes, in bits.
uint64_t PlanDecimals(std::span<const double> values, int exponent, DoublePlan& plan) {
  plan.exponent = exponent;
  plan.integers.reserve(values.size());
  plan.ulps.reserve(values.size());
  uint64_t bits = 0;
  uint64_t any_ulps = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto decimal = ToDecimal(values[i], exponent);
    if (!decimal) {
      plan.apart.push_back(i);
      bits += kApartBits;
      continue;
    }
    plan.integers.push_back(decimal->mantissa);
    plan.ulps.push_back(decimal->ulps);
    any_ulps |= MagnitudeOf(decimal->ulps);
    bits += static_cast<uint64_t>(WidthOf(decimal->ulps));
  }
  plan.coding = any_ulps != 0 ? DoubleCoding::kNearDecimal : DoubleCoding::kDecimal;
  if (plan.integers.empty()) return std::numeric_limits<uint64_t>::max();
  plan.plan = PlanIntegers(plan.integers);
  return bits + plan.plan.bits;
}

uint64_t PlanPatterns(std::span<const double> values, DoublePlan& plan) {
  plan.coding = DoubleCoding::kPattern;
  plan.integers.resize(values.size());
  std::transform(values.begin(), values.end(), plan.integers.begin(), ToPattern);
  plan.plan = PlanIntegers(plan.integers);
  return plan.plan.bits;
}

template <typename Coder>
uint64_t CodeConstant(Coder& coder, uint64_t bits) {
  auto bytes = (64 - std::countr_zero(bits) + 7) / 8;  // down to the last that is not zero
  bytes = std::min(8, static_cast<int>(coder.Raw(static_cast<uint64_t>(bytes), 4)));
  if (bytes == 0) return 0;
  const int unused = 64 - 8 * bytes;
  return coder.Raw(bits >> unused, 8 * bytes) << unused;
}

// Values that are no decimals: for each whether it is the one before again, else its bits.
template <typename Coder>
uint64_t CodeApart(Coder& coder, BitModel& again, uint64_t before, uint64_t bits) {
  if (coder.Bit(again, bits == before)) return before;
  return coder.Raw(bits, 64);
}

void EncodeApart(RangeEncoder& coder, const DoublePlan& plan, std::span<const double> values) {
  coder.Raw(plan.apart.empty() ? 0U : 1U, 1);
  if (plan.apart.empty()) return;
  Marks<1> marks;
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_apart = next < plan.apart.size() && plan.apart[next] == i;
    marks.Code(coder, is_apart ? 1 : 0);
    if (is_apart) ++next;
  }
  BitModel again;
  uint64_t before = 0;
  for (const size_t i : plan.apart) before = CodeApart(coder, again, before, BitsOf(values[i]));
}

// Puts those that are apart in their places and answers where they are.
std::vector<size_t> DecodeApart(RangeDecoder& coder, std::span<double> values) {
  std::vector<size_t> apart;
  if (coder.Raw(0, 1) == 0) return apart;
  Marks<1> marks;
  for (size_t i = 0; i < values.size(); ++i) {
    if (marks.Code(coder, 0) != 0) apart.push_back(i);
  }
  BitModel again;
  uint64_t before = 0;
  for (const size_t i : apart) {
    before = CodeApart(coder, again, before, 0);
    values[i] = std::bit_cast<double>(before);
  }
  return apart;
}

// The first decimals.size() of `values` move to the places that `apart` leaves.
void Spread(std::span<double> values, std::span<const double> decimals,
            std::span<const size_t> apart) {
  size_t next = 0;
  size_t taken = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (next < apart.size() && apart[next] == i) {
      ++next;
    } else {
      values[i] = decimals[taken++];
    }
  }
}

bool DecodeDecimals(RangeDecoder& coder, std::span<double> values, bool near) {
  const auto exponent = static_cast<int>(coder.Raw(0, kExponentBits));
  if (exponent > kMaxExponent) return false;
  const std::vector<size_t> apart = DecodeApart(coder, values);
  if (apart.size() == values.size()) return false;
  std::vector<int64_t> mantissas(values.size() - apart.size());
  DecodeIntegers(coder, mantissas);
  std::vector<double> few;  // only where some are apart
  std::span<double> decimals = values;
  if (!apart.empty()) {
    few.resize(mantissas.size());
    decimals = few;
  }
  if (near) {
    Ulps ulps;
    for (size_t i = 0; i < mantissas.size(); ++i) {
      decimals[i] = FromDecimal(mantissas[i], ulps.Code(coder, mantissas[i], 0), exponent);
    }
  } else {
    FromDecimals(mantissas, exponent, decimals);
  }
  if (!apart.empty()) Spread(values, decimals, apart);
  return true;
}

void DecodePatterns(RangeDecoder& coder, std::span<double> values) {
  std::vector<int64_t> patterns(values.size());
  DecodeIntegers(coder, patterns);
  std::transform(patterns.begin(), patterns.end(), values.begin(), FromPattern);
}

}  // namespace

DoublePlan PlanDoubles(std::span<const double> values) {
  DoublePlan best;
  if (AllTheSame(values)) return best;
  uint64_t bits = std::numeric_limits<uint64_t>::max();
  if (const auto exponent = CommonExponent(values)) {
    bits = PlanDecimals(values, *exponent, best);
    if (bits <= kGoodBits * values.size()) return best;
  }
  DoublePlan patterns;
  const uint64_t pattern_bits = PlanPatterns(values, patterns);
  if (pattern_bits < bits) {
    bits = pattern_bits;
    best = std::move(patterns);
  }
  if (bits >= 62 * values.size()) {
    best = {};
    best.coding = DoubleCoding::kRaw;
  }
  return best;
}

void EncodeDoubles(RangeEncoder& coder, const DoublePlan& plan, std::span<const double> values) {
  coder.Raw(static_cast<uint64_t>(plan.coding), kCodingBits);
  switch (plan.coding) {
    case DoubleCoding::kConstant:
      CodeConstant(coder, BitsOf(values[0]));
      return;
    case DoubleCoding::kRaw:
      for (const double value : values) coder.Raw(BitsOf(value), 64);
      return;
    case DoubleCoding::kPattern:
      EncodeIntegers(coder, plan.plan, plan.integers);
      return;
    case DoubleCoding::kDecimal:
    case DoubleCoding::kNearDecimal:
      break;
  }
  coder.Raw(static_cast<uint64_t>(plan.exponent), kExponentBits);
  EncodeApart(coder, plan, values);
  EncodeIntegers(coder, plan.plan, plan.integers);
  if (plan.coding == DoubleCoding::kDecimal) return;
  Ulps ulps;
  for (size_t i = 0; i < plan.integers.size(); ++i) {
    ulps.Code(coder, plan.integers[i], plan.ulps[i]);
  }
}

bool DecodeDoubles(RangeDecoder& coder, std::span<double> values) {
  switch (static_cast<DoubleCoding>(coder.Raw(0, kCodingBits))) {
    case DoubleCoding::kConstant:
      std::fill(values.begin(), values.end(), std::bit_cast<double>(CodeConstant(coder, 0)));
      return true;
    case DoubleCoding::kRaw:
      for (double& value : values) value = std::bit_cast<double>(coder.Raw(0, 64));
      return true;
    case DoubleCoding::kPattern:
      DecodePatterns(coder, values);
      return true;
    case DoubleCoding::kDecimal:
      return DecodeDecimals(coder, values, false);
    case DoubleCoding::kNearDecimal:
      return DecodeDecimals(coder, values, true);
  }
  return false;
}

}  // namespace haidang::store
