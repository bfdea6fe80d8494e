#pragma once

#include <cstdint>

#include "core/histogram.h"

namespace haidang {

// The buckets by which a histogram is told in Prometheus' text format: the same ones whatever was
// observed, because a series must not come and go. 2^-10 to 2^6, growth √2; `told(bound, count)`
// gets how many observations were at or below each bound, ascending, +Inf left out.
template <typename Told>
void ForEachTextBucket(const Histogram& histogram, Told&& told) {
  constexpr int kFirst = -40, kLast = 24, kStep = 2;  // indices of Histogram
  for (int index = kFirst; index <= kLast; index += kStep) {
    const double bound = Histogram::UpperBound(index);
    told(bound, histogram.CountAtOrBelow(bound));
  }
}

}  // namespace haidang
