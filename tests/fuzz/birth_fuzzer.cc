// NBIRTH and NDEATH of any origin. A birth of ours that decodes says the same when written again.

#include <string_view>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::sparkplug;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)DecodeDeath(input);
  const auto birth = DecodeBirth(input);
  if (!birth) {
    FUZZ_REQUIRE(!birth.error().message.empty());
    return 0;
  }
  FUZZ_REQUIRE(birth->series.size() <= kMaxSeries);
  for (const BirthSeries& series : birth->series) {
    FUZZ_REQUIRE(CheckSeries(series.series));
    FUZZ_REQUIRE(series.group < birth->groups.size());
  }
  if (birth->spool_id == 0) return 0;
  const std::string written = EncodeBirth(*birth);
  if (written.size() > kMaxPayload) return 0;
  const auto again = DecodeBirth(written);
  FUZZ_REQUIRE(again);
  FUZZ_REQUIRE(again->series.size() == birth->series.size());
  FUZZ_REQUIRE(EncodeBirth(*again).size() == written.size());
  return 0;
}
