#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace haidang::slo {

inline constexpr int64_t kBucketMs = 5LL * 60 * 1000;
inline constexpr int64_t kPeriodMs = 30LL * 24 * 3600 * 1000;  // that an objective is kept over

// Runs, and those of them that were as the objective wants them. Not whole numbers: of a
// histogram's bucket a share may count.
struct Runs {
  double good = 0;
  double all = 0;
};

// The runs of one objective in steps of five minutes of UTC, over the last 30 days. One thread.
class RunCounts {
 public:
  RunCounts() : ring_(kBuckets) {}

  // The step that is under way, from now on the newest: what is 30 days older is forgotten.
  void Advance(int64_t now_ms);
  // Replaces a step's runs. Nothing where it is older than 30 days, or newer than the newest.
  void Put(int64_t begin_ms, Runs runs);
  // No runs where nothing is known of it.
  Runs At(int64_t begin_ms) const;

  // When the newest step begins; 0 before the first Advance.
  int64_t newest_ms() const { return newest_ * kBucketMs; }
  int64_t oldest_ms() const { return (newest_ - static_cast<int64_t>(kBuckets) + 1) * kBucketMs; }

 private:
  static constexpr size_t kBuckets = kPeriodMs / kBucketMs;
  bool Holds(int64_t bucket) const;

  std::vector<Runs> ring_;  // by bucket, modulo kBuckets
  int64_t newest_ = 0;      // counted from 1970
};

}  // namespace haidang::slo
