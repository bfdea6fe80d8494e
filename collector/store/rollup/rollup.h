#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "collector/store/chunk/histograms.h"
#include "core/io/database.h"
#include "core/result.h"

// What a machine's series did in each stretch of five minutes or an hour (docs/store-format.md,
// "Roll-ups").
namespace haidang::store {

// On disk: never renumber.
enum class RollupLevel : uint8_t { kFiveMinutes = 1, kHour = 2 };

constexpr int64_t BucketMs(RollupLevel level) {
  return level == RollupLevel::kHour ? 3'600'000 : 300'000;
}

// Counters and histograms count as having gone on, or begun again, from one known value to the next
// if these are no further apart; over a longer hole their increase is unknown, and in no sum.
inline constexpr int64_t kBridgeMs = int64_t{5} * 60 * 1000;

// A number's summaries by bucket: parallel, ascending. Only buckets at one of whose ticks (batches)
// the value was known. `increase`: of a counter, from each known value to the next (to the later
// one's bucket); where it fell it had begun again at 0. A quiet NaN where it is no counter, and
// where no value of the bucket has one before it that it could have gone on from: unknown, not 0.
struct NumberRollup {
  std::vector<int64_t> begins_ms;
  std::vector<double> count, sum, min, max, first, last, increase;
};

// What a cumulative histogram gained in each bucket, in the same way; only buckets of which that is
// known. `increase` has a row, and a tick, for each of `begins_ms`.
struct HistogramRollup {
  std::vector<int64_t> begins_ms;
  HistogramColumn increase;
};

struct Stretch {
  int64_t from_ms = 0;
  int64_t to_ms = 0;  // exclusive
  bool operator==(const Stretch&) const = default;
};

// What of a machine's roll-ups a question needs.
struct WantedRollups {
  std::set<int64_t> series;  // row ids
  bool sums = true;          // of histograms; without, `increase` has NaN in their place
};

struct RolledUp {
  std::map<int64_t, NumberRollup> numbers;        // by row id of the series
  std::map<int64_t, HistogramRollup> histograms;  // likewise
  // Ascending, disjoint, not adjacent: whatever is known of these times is above; elsewhere a finer
  // level, or the batches themselves, must be asked.
  std::vector<Stretch> covered;
};

// The buckets that begin in [from_ms, to_ms). Reads in one transaction; the caller's thread and
// connection.
Result<RolledUp> ReadRollups(Database& db, int64_t machine, RollupLevel level, int64_t from_ms,
                             int64_t to_ms, const WantedRollups& wanted);

}  // namespace haidang::store
