#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "collector/store/chunk/range_coder.h"

namespace haidang::store {

class Residuals;

// How the next integer of a sequence is guessed from those before. On disk: never renumber.
enum class Predictor : uint8_t {
  kLast = 0,    // the last one
  kLine = 1,    // as far from the last one as that from the one before
  kMean = 2,    // between the last two
  kSmooth = 3,  // their exponential average, a quarter each
  kSlope = 4,   // the last one and the exponential average of the differences, an eighth each
  kMedian = 5,  // the median of the last five
};
inline constexpr int kPredictors = 6;

// What is worked out of a sequence before it is written.
struct IntegerPlan {
  Predictor predictor = Predictor::kLast;
  uint64_t step = 1;  // divides every difference; ≥ 1
  uint64_t bits = 0;  // roughly what it will take
};

// Any integers: differences wrap at 2^64. Required: not empty.
IntegerPlan PlanIntegers(std::span<const int64_t> values);
// With a model of its own, or with `model`, which several sequences of a kind share one after
// another.
void EncodeIntegers(RangeEncoder& coder, const IntegerPlan& plan, std::span<const int64_t> values);
void EncodeIntegers(RangeEncoder& coder, const IntegerPlan& plan, std::span<const int64_t> values,
                    Residuals& model);

// Reads as many as `values` holds, at least one; whatever the stream holds, they are numbers.
void DecodeIntegers(RangeDecoder& coder, std::span<int64_t> values);
void DecodeIntegers(RangeDecoder& coder, std::span<int64_t> values, Residuals& model);

}  // namespace haidang::store
