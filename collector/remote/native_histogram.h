#pragma once

#include <cstdint>
#include <string>

#include "core/histogram.h"

namespace haidang::remote {

// Prometheus' protobuf message Histogram, as of version 2.42 (types.proto), which calls them
// experimental: integer counts, schema 2, whose buckets are ours.
std::string EncodeNativeHistogram(int64_t time_ms, const Histogram& histogram);

// The end of such a series: an empty histogram whose sum is `marker`.
std::string EncodeStaleHistogram(int64_t time_ms, double marker);

}  // namespace haidang::remote
