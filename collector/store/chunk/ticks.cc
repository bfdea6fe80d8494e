#include "collector/store/chunk/ticks.h"

#include <algorithm>

#include "collector/store/chunk/format.h"
#include "collector/store/chunk/integers.h"
#include "collector/store/chunk/magnitude.h"

namespace haidang::store {
namespace {

// The difference that half of the differences reach, ≥ 0.
uint64_t MedianStep(std::span<const int64_t> times_ms) {
  if (times_ms.size() < 2) return 0;
  std::vector<int64_t> steps(times_ms.size() - 1);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i] = WrapSubtract(times_ms[i + 1], times_ms[i]);
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return static_cast<uint64_t>(std::max<int64_t>(*middle, 0));
}

// `times_ms` less (sign -1) or plus (sign 1) the grid, modulo 2^64.
void Shift(std::span<int64_t> times_ms, uint64_t step, uint64_t sign) {
  uint64_t grid = 0;
  for (int64_t& time : times_ms) {
    time = static_cast<int64_t>(static_cast<uint64_t>(time) + sign * grid);
    grid += step;
  }
}

}  // namespace

std::string EncodeTicks(std::span<const int64_t> times_ms) {
  std::string chunk = BeginChunk(ChunkFormat::kTicks1, times_ms.size());
  RangeEncoder coder(chunk);
  const uint64_t step = MedianStep(times_ms);
  const int width = WidthOf(step);
  coder.Raw(static_cast<uint64_t>(width), 6);
  coder.Raw(step, width);
  std::vector<int64_t> off(times_ms.begin(), times_ms.end());
  Shift(off, step, ~uint64_t{0});
  EncodeIntegers(coder, PlanIntegers(off), off);
  coder.Finish();
  return chunk;
}

Status DecodeTicks(std::string_view chunk, size_t max_ticks, std::vector<int64_t>& times_ms) {
  const auto ticks = TakeBegin(chunk, ChunkFormat::kTicks1, max_ticks);
  if (!ticks) return ticks.error();
  times_ms.resize(*ticks);
  RangeDecoder coder(chunk);
  const auto width = static_cast<int>(coder.Raw(0, 6));
  const uint64_t step = coder.Raw(0, width);
  DecodeIntegers(coder, times_ms);
  if (!coder.Ended()) {
    return DamagedChunk(ChunkFormat::kTicks1, "something follows its end; damaged");
  }
  Shift(times_ms, step, 1);
  return {};
}

}  // namespace haidang::store
