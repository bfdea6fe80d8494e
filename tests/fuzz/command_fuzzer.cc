// NCMD of any origin. What Committed settles is ascending and disjoint, and says the same when
// written again.

#include <string_view>

#include "core/sparkplug/command.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::sparkplug;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto command = DecodeCommand({reinterpret_cast<const char*>(data), size});
  if (!command) {
    FUZZ_REQUIRE(!command.error().message.empty());
    return 0;
  }
  if (command->backfill_rate) FUZZ_REQUIRE(*command->backfill_rate >= 0);
  if (command->journeys) {
    FUZZ_REQUIRE(command->journeys->size() <= kMaxLeases);
    for (const Lease& lease : *command->journeys) {
      FUZZ_REQUIRE(!lease.journey.empty() && lease.journey.size() <= kMaxJourneyNameBytes);
      FUZZ_REQUIRE(lease.interval_seconds >= kMinLeaseSeconds);
      FUZZ_REQUIRE(lease.interval_seconds <= kMaxLeaseSeconds);
    }
    const auto again = DecodeLeases(EncodeLeases(*command->journeys));
    FUZZ_REQUIRE(again && *again == *command->journeys);
  }
  if (!command->committed) return 0;
  uint64_t end = command->committed->cumulative;
  for (const NumberRange& range : command->committed->ranges) {
    FUZZ_REQUIRE(range.first > end && range.first - end >= 2 && range.last >= range.first);
    end = range.last;
  }
  const auto again = DecodeCommand(EncodeCommitted(*command->committed));
  FUZZ_REQUIRE(again && again->committed);
  FUZZ_REQUIRE(again->committed->ranges == command->committed->ranges);
  FUZZ_REQUIRE(again->committed->cumulative == command->committed->cumulative);
  return 0;
}
