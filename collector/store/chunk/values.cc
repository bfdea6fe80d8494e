#include "collector/store/chunk/values.h"

#include <algorithm>
#include <limits>

#include "collector/store/chunk/doubles.h"
#include "collector/store/chunk/format.h"

namespace haidang::store {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The first `count` of `values` move to the ticks that have one, the others become NaN.
void Spread(std::vector<double>& values, size_t count, std::span<const Presence> presence) {
  for (size_t i = values.size(); i-- > 0;) {
    values[i] = presence[i] == Presence::kValue ? values[--count] : kNone;
  }
}

}  // namespace

std::string EncodeValues(std::span<const double> values, std::span<const Presence> presence) {
  std::string chunk = BeginChunk(ChunkFormat::kValues1, values.size());
  RangeEncoder coder(chunk);
  EncodePresence(coder, presence);
  std::vector<double> present;
  if (IsPartial(presence)) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (presence[i] == Presence::kValue) present.push_back(values[i]);
    }
    values = present;
  }
  if (!values.empty()) EncodeDoubles(coder, PlanDoubles(values), values);
  coder.Finish();
  return chunk;
}

Status DecodeValues(std::string_view chunk, size_t max_ticks, ValueColumn& column) {
  const auto ticks = TakeBegin(chunk, ChunkFormat::kValues1, max_ticks);
  if (!ticks) return ticks.error();
  column.values.resize(*ticks);
  RangeDecoder coder(chunk);
  const size_t count = DecodePresence(coder, *ticks, column.presence);
  const std::span<double> present = std::span(column.values).first(count);
  if (!present.empty() && !DecodeDoubles(coder, present)) {
    return DamagedChunk(ChunkFormat::kValues1, "it is coded in no way that is known; damaged");
  }
  if (!coder.Ended()) {
    return DamagedChunk(ChunkFormat::kValues1, "something follows its end; damaged");
  }
  if (!column.presence.empty()) Spread(column.values, count, column.presence);
  return {};
}

}  // namespace haidang::store
