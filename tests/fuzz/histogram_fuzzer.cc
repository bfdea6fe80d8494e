// Histograms and events of any origin.

#include <cmath>
#include <string_view>

#include "core/histogram.h"
#include "core/sparkplug/batch.h"
#include "tests/fuzz/require.h"

using namespace haidang;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto events = sparkplug::DecodeEvents(input)) {
    const auto again = sparkplug::DecodeEvents(sparkplug::EncodeEvents(*events));
    FUZZ_REQUIRE(again && *again == *events);
  }
  const auto histogram = Histogram::Decode(input);
  if (!histogram) return 0;
  const auto again = Histogram::Decode(histogram->Encode());
  FUZZ_REQUIRE(again && *again == *histogram);
  double before = 0;
  for (const double q : {0.0, 0.5, 0.95, 1.0}) {
    const double value = histogram->Quantile(q);
    FUZZ_REQUIRE(std::isnan(value) == (histogram->count() == 0));
    FUZZ_REQUIRE(!(value < before));
    before = value;
  }
  FUZZ_REQUIRE(histogram->CountAtOrBelow(1) <= histogram->count());
  return 0;
}
