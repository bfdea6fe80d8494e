#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collector/store/chunk/integers.h"
#include "collector/store/chunk/range_coder.h"

namespace haidang::store {

// How a sequence of doubles is written. On disk: never renumber.
enum class DoubleCoding : uint8_t {
  kConstant = 0,     // all are the same
  kDecimal = 1,      // mantissas of one power of ten
  kNearDecimal = 2,  // the same, and how many ulps each value is off
  kPattern = 3,      // bit patterns, in the order of the doubles
  kRaw = 4,          // 64 bits each
};

// The coding that takes the least, and what was worked out to find it.
struct DoublePlan {
  DoubleCoding coding = DoubleCoding::kConstant;
  int exponent = 0;               // kDecimal and kNearDecimal
  std::vector<int64_t> integers;  // mantissas or patterns, of all that are not apart
  std::vector<int64_t> ulps;      // as many, with kNearDecimal
  std::vector<size_t> apart;      // indexes of the few values that are no such decimal, ascending
  IntegerPlan plan;               // of `integers`
};

// Required: not empty.
DoublePlan PlanDoubles(std::span<const double> values);

// Required: `plan` is that of `values`.
void EncodeDoubles(RangeEncoder& coder, const DoublePlan& plan, std::span<const double> values);

// Fills `values`, at least one, bit by bit as they were. False where the stream says what no
// encoder writes. Allocates as many integers as there are values.
bool DecodeDoubles(RangeDecoder& coder, std::span<double> values);

}  // namespace haidang::store
