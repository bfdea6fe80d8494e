// Chunks of the store of any origin: the first byte says which codec reads it.

#include <bit>
#include <string_view>

#include "collector/store/chunk/histograms.h"
#include "collector/store/chunk/texts.h"
#include "collector/store/chunk/ticks.h"
#include "collector/store/chunk/values.h"
#include "tests/fuzz/require.h"

using namespace haidang::store;

namespace {

constexpr size_t kTicks = 2048;
constexpr size_t kBytes = 65536;

void Ticks(std::string_view chunk) {
  std::vector<int64_t> times_ms;
  if (!DecodeTicks(chunk, kTicks, times_ms).ok()) return;
  FUZZ_REQUIRE(!times_ms.empty() && times_ms.size() <= kTicks);
  std::vector<int64_t> again;
  FUZZ_REQUIRE(DecodeTicks(EncodeTicks(times_ms), kTicks, again).ok() && again == times_ms);
}

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint64_t>(a[i]) != std::bit_cast<uint64_t>(b[i])) return false;
  }
  return a.size() == b.size();
}

void Values(std::string_view chunk) {
  ValueColumn column;
  if (!DecodeValues(chunk, kTicks, column).ok()) return;
  FUZZ_REQUIRE(!column.values.empty() && column.values.size() <= kTicks);
  ValueColumn again;
  FUZZ_REQUIRE(DecodeValues(EncodeValues(column.values, column.presence), kTicks, again).ok());
  FUZZ_REQUIRE(SameBits(again.values, column.values));
  FUZZ_REQUIRE(again.presence == column.presence || !IsPartial(column.presence));
}

void Histograms(std::string_view chunk) {
  HistogramColumn column;
  if (!DecodeHistograms(chunk, kTicks / 8, column).ok()) return;
  FUZZ_REQUIRE(column.ticks() > 0 && column.ticks() <= kTicks / 8);
  HistogramColumn again;
  FUZZ_REQUIRE(DecodeHistograms(EncodeHistograms(column), kTicks / 8, again).ok());
  FUZZ_REQUIRE(SameBits(again.sums(), column.sums()) && again.buckets() == column.buckets());
  FUZZ_REQUIRE(again.presence() == column.presence());
  for (size_t row = 0; row < column.rows(); ++row) static_cast<void>(column.At(row).ok());
}

void Texts(std::string_view chunk) {
  TextColumn column;
  if (!DecodeTexts(chunk, kTicks, kBytes, column).ok()) return;
  size_t bytes = 0;
  for (const auto& text : column.texts) bytes += text.size();
  FUZZ_REQUIRE(bytes <= kBytes && column.which.size() <= kTicks);
  std::vector<std::string_view> texts;
  for (const uint32_t which : column.which) {
    FUZZ_REQUIRE(which == 0 || which < column.texts.size());
    texts.push_back(column.texts.empty() ? std::string_view() : column.texts[which]);
  }
  TextColumn again;
  const std::string encoded = EncodeTexts(texts, column.presence);
  FUZZ_REQUIRE(DecodeTexts(encoded, kTicks, kBytes, again).ok());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!column.presence.empty() && column.presence[i] != Presence::kValue) continue;
    FUZZ_REQUIRE(again.texts[again.which[i]] == texts[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view chunk(reinterpret_cast<const char*>(data), size);
  Ticks(chunk);
  Values(chunk);
  Histograms(chunk);
  Texts(chunk);
  return 0;
}
