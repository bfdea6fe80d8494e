#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

// How many requests a journey costs the portal. Pure: times are monotonic milliseconds, handed in.
namespace haidang::journeys {

// A counter as it is now: `key` is the same for the same series.
struct Counter {
  uint32_t key = 0;
  std::optional<double> value;  // absent: unknown
};

// By how much a machine's counters went up. One that fell began anew; one that is seen for the
// first time, or was unknown, says nothing until it is known again.
class Increase {
 public:
  double Take(std::span<const Counter> counters);

 private:
  std::vector<std::pair<uint32_t, std::optional<double>>> last_;
};

// Requests a second over the last five minutes, in steps of ten seconds.
class RequestRate {
 public:
  static constexpr int64_t kWindowMs = 300'000;

  // `gap_ms`: since when they may have been sent; of a longer time than the window only its share
  // counts.
  void Add(double requests, int64_t gap_ms, int64_t now_ms);
  // `since_ms`: nothing was counted before.
  double Now(int64_t since_ms, int64_t now_ms) const;

 private:
  static constexpr int64_t kStepMs = 10'000;
  static constexpr size_t kSteps = kWindowMs / kStepMs;
  void MoveTo(int64_t now_ms);

  std::array<double, kSteps> steps_{};
  int64_t step_ = -1;  // of `steps_`, the newest
};

// What one machine would send: a walk each `interval_seconds`, of so many requests.
struct Walker {
  double interval_seconds = 60;
  double requests = 1;
};

// The least interval that keeps all walkers together within `bound` requests a second, where who is
// slower by itself stays so; 0 where nobody has to wait. Who claims more than four times the median
// of requests counts with that much: one machine's word does not slow a province down.
double NeededInterval(std::vector<Walker> walkers, double bound);

// `needed` rounded up: to seconds, above 200 s to 10 s, above 2000 s to 100 s; at most a day. It
// rises at once, and falls where a fifth less is enough and it stood for a minute.
class Floor {
 public:
  // True where it changed.
  bool Update(double needed, int64_t now_ms);
  double seconds() const { return seconds_; }  // 0: none

 private:
  double seconds_ = 0;
  int64_t since_ms_ = 0;
};

}  // namespace haidang::journeys
