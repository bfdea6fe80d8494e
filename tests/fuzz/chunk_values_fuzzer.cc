// Values of any bits, with marks or without, come back from a chunk as they were.

#include <bit>
#include <cstring>
#include <string>

#include "collector/store/chunk/ticks.h"
#include "collector/store/chunk/values.h"
#include "tests/fuzz/require.h"

using namespace haidang::store;

// One byte of what to do, then eight bytes a value: a double's bits, or a small decimal.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 9) return 0;
  const bool marked = (data[0] & 1) != 0;
  const bool decimal = (data[0] & 2) != 0;
  std::vector<double> values;
  std::vector<int64_t> times_ms;
  std::vector<Presence> presence;
  for (size_t at = 1; at + 8 <= size; at += 8) {
    uint64_t bits = 0;
    std::memcpy(&bits, data + at, sizeof bits);
    times_ms.push_back(static_cast<int64_t>(bits));
    if (marked) presence.push_back(static_cast<Presence>(bits & 3));
    const double small = static_cast<double>(static_cast<int16_t>(bits >> 8)) / 100;
    values.push_back(decimal && (bits >> 60) != 0 ? small : std::bit_cast<double>(bits));
  }
  ValueColumn column;
  const std::string chunk = EncodeValues(values, presence);
  FUZZ_REQUIRE(chunk.size() <= values.size() * 9 + 32);
  FUZZ_REQUIRE(DecodeValues(chunk, values.size(), column).ok());
  for (size_t i = 0; i < values.size(); ++i) {
    if (marked && presence[i] != Presence::kValue) continue;
    FUZZ_REQUIRE(std::bit_cast<uint64_t>(column.values[i]) == std::bit_cast<uint64_t>(values[i]));
  }
  FUZZ_REQUIRE(!IsPartial(presence) || column.presence == presence);
  std::vector<int64_t> again;
  FUZZ_REQUIRE(DecodeTicks(EncodeTicks(times_ms), times_ms.size(), again).ok());
  FUZZ_REQUIRE(again == times_ms);
  return 0;
}
