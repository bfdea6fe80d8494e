#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "collector/store/query/budget.h"
#include "collector/store/query/question.h"
#include "collector/store/query/tick_scan.h"
#include "collector/store/rollup/rollup.h"

namespace haidang::store {

// As ReadRollups; empty: there are none.
using RollupReader =
    std::function<Result<RolledUp>(Database& db, int64_t machine, RollupLevel level,
                                   int64_t from_ms, int64_t to_ms, const WantedRollups& wanted)>;

// Where the values of a stretch of time are read: the coarsest level whose buckets make up whole
// steps, as far as it is there, and what is finer for the rest.
class LevelWalk {
 public:
  // `step_ms` 0: batches alone. Throws nothing away: each moment is told by one level.
  LevelWalk(Database& db, const RollupReader& rollups, Budget& budget, Source source,
            int64_t step_ms);

  struct Sinks {
    // Whatever is known of stretches that are told by roll-ups, once a piece.
    std::function<Status(RollupLevel level, const RolledUp& piece)> rollups;
    // A window of batches; those before `from_ms` are lead alone.
    std::function<Status(const TickScan& window, int64_t from_ms)> ticks;
  };
  // Of `question`'s machine and series, in [from_ms, to_ms); the roll-ups first, then the batches
  // of what they leave, each ascending. `lead_ms`: batches before those stretches that are told,
  // too.
  Status Run(const TickQuestion& question, int64_t lead_ms, const Sinks& sinks);

  // What was read so far.
  const std::set<Source>& used() const { return used_; }

 private:
  Status Rollups(RollupLevel level, const TickQuestion& question, const Sinks& sinks,
                 std::vector<Stretch>& rest);
  bool Allowed(RollupLevel level) const;

  Database& db_;
  const RollupReader& rollups_;
  Budget& budget_;
  Source source_;
  int64_t step_ms_;
  std::set<Source> used_;
};

// What of `stretches` is in none of `taken`; both ascending and disjoint.
std::vector<Stretch> Without(const std::vector<Stretch>& stretches,
                             const std::vector<Stretch>& taken);

}  // namespace haidang::store
