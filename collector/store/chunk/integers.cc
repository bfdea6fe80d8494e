#include "collector/store/chunk/integers.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "collector/store/chunk/magnitude.h"
#include "collector/store/chunk/residuals.h"

namespace haidang::store {
namespace {

constexpr int kSlopeBits = 4;  // of fraction

int64_t ShiftUp(int64_t a, int by) { return static_cast<int64_t>(static_cast<uint64_t>(a) << by); }

// What a predictor remembers of a sequence that begins at 0. Each keeps only what it needs.
template <Predictor kind>
class History {
 public:
  int64_t Guess() const {
    if constexpr (kind == Predictor::kLast) return last_;
    if constexpr (kind == Predictor::kLine) return WrapAdd(last_, other_);
    if constexpr (kind == Predictor::kMean) return WrapAdd(last_, WrapSubtract(other_, last_) >> 1);
    if constexpr (kind == Predictor::kSmooth) return other_ >> kSlopeBits;
    return WrapAdd(last_, other_ >> kSlopeBits);
  }
  void Push(int64_t value) {
    if constexpr (kind == Predictor::kLine) other_ = WrapSubtract(value, last_);
    if constexpr (kind == Predictor::kMean) other_ = last_;
    if constexpr (kind == Predictor::kSmooth) {
      other_ = WrapAdd(other_, WrapSubtract(ShiftUp(value, kSlopeBits), other_) >> 2);
    }
    if constexpr (kind == Predictor::kSlope) {
      const int64_t difference = WrapSubtract(value, last_);
      other_ = WrapAdd(other_, WrapSubtract(ShiftUp(difference, kSlopeBits), other_) >> 3);
    }
    last_ = value;
  }

 private:
  int64_t last_ = 0;
  int64_t other_ = 0;  // the difference, the one before or an average of kSlopeBits
};

// Its window is full of zeros at first.
template <>
class History<Predictor::kMedian> {
 public:
  int64_t Guess() const {
    const auto [a, b, c, d, e] = window_;
    // The middle one of five is that of `e`, the larger of the lows and the smaller of the highs.
    const int64_t low = std::max(std::min(a, b), std::min(c, d));
    const int64_t high = std::min(std::max(a, b), std::max(c, d));
    return std::max(std::min(low, high), std::min(std::max(low, high), e));
  }
  void Push(int64_t value) {
    window_[at_] = value;
    at_ = at_ == window_.size() - 1 ? 0 : at_ + 1;
  }

 private:
  std::array<int64_t, 5> window_{};
  size_t at_ = 0;
};

uint64_t CommonStep(std::span<const int64_t> values) {
  uint64_t step = 0;
  for (size_t i = 1; i < values.size() && step != 1; ++i) {
    const uint64_t difference = MagnitudeOf(WrapSubtract(values[i], values[i - 1]));
    if (difference == step || difference == 0) continue;
    step = std::gcd(step, difference);
  }
  return step == 0 ? 1 : step;
}

// Calls `each` with the sequence less its first value, in steps, from the second on.
template <typename Each>
void ForEachScaled(std::span<const int64_t> values, uint64_t step, Each&& each) {
  if (step == 1) {
    for (size_t i = 1; i < values.size(); ++i) each(WrapSubtract(values[i], values[0]));
    return;
  }
  int64_t scaled = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const int64_t difference = WrapSubtract(values[i], values[i - 1]);
    const auto steps = static_cast<int64_t>(MagnitudeOf(difference) / step);
    scaled = WrapAdd(scaled, difference < 0 ? WrapSubtract(0, steps) : steps);
    each(scaled);
  }
}

template <typename Coder>
uint64_t CodeUnsigned(Coder& coder, uint64_t value) {
  auto width = static_cast<int>(coder.Raw(static_cast<uint64_t>(WidthOf(value)), 7));
  if (width > 64) width = 64;  // damaged
  return coder.Raw(value, width);
}

// The sequence's beginning: predictor, step, first value.
template <typename Coder>
void CodeBegin(Coder& coder, Predictor& predictor, uint64_t& step, int64_t& first) {
  predictor = static_cast<Predictor>(coder.Raw(static_cast<uint64_t>(predictor), 3));
  if (coder.Raw(step != 1 ? 1U : 0U, 1) != 0) {
    step = CodeUnsigned(coder, step);
  } else {
    step = 1;
  }
  const bool negative = coder.Raw(first < 0 ? 1U : 0U, 1) != 0;
  const uint64_t magnitude = CodeUnsigned(coder, MagnitudeOf(first));
  first = WithSign(negative, magnitude);
}

template <Predictor kind>
void Write(RangeEncoder& coder, std::span<const int64_t> values, uint64_t step, Residuals& model) {
  History<kind> history;
  ForEachScaled(values, step, [&](int64_t scaled) {
    model.Code(coder, WrapSubtract(scaled, history.Guess()));
    history.Push(scaled);
  });
}

template <Predictor kind>
void Read(RangeDecoder& coder, std::span<int64_t> values, uint64_t step, Residuals& model) {
  History<kind> history;
  for (size_t i = 1; i < values.size(); ++i) {
    const int64_t scaled = WrapAdd(history.Guess(), model.Code(coder, 0));
    history.Push(scaled);
    values[i] = WrapAdd(values[0], static_cast<int64_t>(static_cast<uint64_t>(scaled) * step));
  }
}

// Runs `action.operator()<kind>()`.
template <typename Action>
void WithPredictor(Predictor predictor, Action&& action) {
  switch (predictor) {
    case Predictor::kLine:
      return action.template operator()<Predictor::kLine>();
    case Predictor::kMean:
      return action.template operator()<Predictor::kMean>();
    case Predictor::kSmooth:
      return action.template operator()<Predictor::kSmooth>();
    case Predictor::kSlope:
      return action.template operator()<Predictor::kSlope>();
    case Predictor::kMedian:
      return action.template operator()<Predictor::kMedian>();
    case Predictor::kLast:
      break;
  }
  return action.template operator()<Predictor::kLast>();  // and what is damaged
}

}  // namespace

IntegerPlan PlanIntegers(std::span<const int64_t> values) {
  IntegerPlan plan;
  plan.step = CommonStep(values);
  std::array<uint64_t, kPredictors> bits{};
  History<Predictor::kLast> last;
  History<Predictor::kLine> line;
  History<Predictor::kMean> mean;
  History<Predictor::kSmooth> smooth;
  History<Predictor::kSlope> slope;
  History<Predictor::kMedian> median;
  const auto try_one = [&](size_t i, auto& history, int64_t value) {
    const auto width = static_cast<uint64_t>(WidthOf(WrapSubtract(value, history.Guess())));
    bits[i] += width + (width != 0 ? 2 : 0);
    history.Push(value);
  };
  ForEachScaled(values, plan.step, [&](int64_t value) {
    try_one(0, last, value);
    try_one(1, line, value);
    try_one(2, mean, value);
    try_one(3, smooth, value);
    try_one(4, slope, value);
    try_one(5, median, value);
  });
  size_t best = 0;
  for (size_t i = 1; i < bits.size(); ++i) {
    if (bits[i] < bits[best]) best = i;
  }
  plan.predictor = static_cast<Predictor>(best);
  plan.bits = bits[best];
  return plan;
}

void EncodeIntegers(RangeEncoder& coder, const IntegerPlan& plan, std::span<const int64_t> values) {
  Residuals model;
  EncodeIntegers(coder, plan, values, model);
}

void EncodeIntegers(RangeEncoder& coder, const IntegerPlan& plan, std::span<const int64_t> values,
                    Residuals& model) {
  Predictor predictor = plan.predictor;
  uint64_t step = plan.step;
  int64_t first = values[0];
  CodeBegin(coder, predictor, step, first);
  WithPredictor(predictor, [&]<Predictor kind>() { Write<kind>(coder, values, step, model); });
}

void DecodeIntegers(RangeDecoder& coder, std::span<int64_t> values) {
  Residuals model;
  DecodeIntegers(coder, values, model);
}

void DecodeIntegers(RangeDecoder& coder, std::span<int64_t> values, Residuals& model) {
  Predictor predictor = Predictor::kLast;
  uint64_t step = 1;
  CodeBegin(coder, predictor, step, values[0]);
  WithPredictor(predictor, [&]<Predictor kind>() { Read<kind>(coder, values, step, model); });
}

}  // namespace haidang::store
