#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/sample_walk.h"
#include "core/result.h"

namespace haidang::collector {

struct SampleChoice {
  int64_t from_ms = 0;                  // inclusive
  int64_t to_ms = INT64_MAX;            // inclusive
  std::vector<std::string> machines{};  // by name; none: all
  std::vector<std::string> metrics{};   // by name; none: all
};

// Takes text; false: it cannot be written, and the export ends with an Error.
using WriteText = std::function<bool(std::string_view)>;

// OpenMetrics 1.0: each value at each tick at which it is known, with its time; metric by metric,
// machine by machine, series by series, of which each is told with where its machine stood then.
// Histograms with /metrics/fleet's buckets. Texts, and names that OpenMetrics does not have, are
// left out, and of two values of one series at one time the second. Memory does not grow with what
// is exported.
Status WriteOpenMetrics(store::SampleWalk& store, const SampleChoice& choice,
                        const WriteText& write);

// RFC 4180, in the same order; texts too. Where a value that was known becomes unknown, or no tick
// comes for three intervals, a row without value says so, once.
Status WriteCsv(store::SampleWalk& store, const SampleChoice& choice, const WriteText& write);

// "2026-01-05T00:30:00.123Z"
std::string IsoTime(int64_t ms);

// Unix ms, or ISO 8601: a day (its begin in UTC), or a time of seconds or ms with Z or an offset.
Result<int64_t> ParseMoment(const std::string& text);

}  // namespace haidang::collector
