#include "collector/slo/run_counts.h"

#include <algorithm>

namespace haidang::slo {

void RunCounts::Advance(int64_t now_ms) {
  const int64_t to = std::max<int64_t>(now_ms / kBucketMs, 0);
  if (to <= newest_) return;  // a clock that went back changes nothing
  const int64_t from = std::max(newest_ + 1, to - static_cast<int64_t>(kBuckets) + 1);
  for (int64_t bucket = from; bucket <= to; ++bucket) {
    ring_[static_cast<size_t>(bucket) % kBuckets] = {};
  }
  newest_ = to;
}

bool RunCounts::Holds(int64_t bucket) const {
  return bucket >= 0 && bucket <= newest_ && bucket > newest_ - static_cast<int64_t>(kBuckets);
}

void RunCounts::Put(int64_t begin_ms, Runs runs) {
  const int64_t bucket = begin_ms / kBucketMs;
  if (begin_ms >= 0 && Holds(bucket)) ring_[static_cast<size_t>(bucket) % kBuckets] = runs;
}

Runs RunCounts::At(int64_t begin_ms) const {
  const int64_t bucket = begin_ms / kBucketMs;
  if (begin_ms < 0 || !Holds(bucket)) return {};
  return ring_[static_cast<size_t>(bucket) % kBuckets];
}

}  // namespace haidang::slo
