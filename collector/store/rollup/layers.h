#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/stretches.h"

namespace haidang::store {

// Pieces of one machine and level, one over the other: where two hold the same time, the shorter
// one is newer and counts.
class Layers {
 public:
  explicit Layers(RollupLevel level) : level_(level) {}

  // An Error where `bytes` are no such piece.
  Status Add(int64_t begin_ms, int64_t length_ms, std::string bytes);
  // Which piece counts for what of `asked`, which ascend and are disjoint. Once, after the last Add
  // and before what follows.
  void Lay(std::vector<Stretch> asked);

  std::vector<Stretch> covered() const;
  std::set<int64_t> Series() const;
  // Empty where nothing is known, or it is the other kind.
  Result<NumberRollup> Number(int64_t series) const;
  Result<HistogramRollup> Histogram(int64_t series, bool sums = true) const;

 private:
  struct Layer {
    Stretch time;
    std::string bytes;
    Piece piece;
  };
  struct Segment {
    Stretch time;
    const Layer* layer;
  };
  template <typename Rollup, typename Read, typename Append>
  Result<Rollup> Gather(int64_t series, Read&& read, Append&& append) const;

  RollupLevel level_;
  std::deque<Layer> layers_;
  std::vector<Segment> segments_;  // ascending
};

}  // namespace haidang::store
