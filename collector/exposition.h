#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/fleet.h"
#include "collector/places.h"

namespace haidang::collector {

// The values of all machines at one moment, small enough to be copied out of the loop thread at
// once: 16 bytes a series, not the kilobyte that its text needs.
struct FleetNow {
  struct Line {
    std::string instance;
    std::string site;
    std::string site_name;
    std::string machine_class;
    query::State state = query::State::kSilent;
    int64_t received_ms = 0;  // collector's clock: receipt of what its values are of; 0: never
  };
  struct Value {
    const SeriesDef* def = nullptr;
    uint32_t line = 0;
    uint32_t histogram = UINT32_MAX;  // index into `histograms`
    double number = 0;
  };
  std::vector<Line> lines;
  std::vector<Value> values;
  std::vector<std::string> histograms;  // encoded, core/histogram.h
};

// Which series are copied.
using WantSeries = std::function<bool(const SeriesDef& def)>;

// What /metrics/fleet tells now: values of machines whose values are fresh, of all series or of
// those that `want` says, and the state of all. Loop thread.
FleetNow CopyFleet(const Fleet& fleet, const Places& places, Moment now,
                   const WantSeries& want = {});

// Takes a part of a metric family; `continued`: the part before was of the same family.
using WritePart = std::function<void(prometheus::MetricFamily&& part, bool continued)>;

// Calls `write` with one metric family after another, by name, in parts of at most kPartSeries:
// each series with its own labels and instance, site, site_name and class; an own label of such a
// name is told as exported_<name>. Histograms are told with fixed classic buckets, powers of √2
// from 1/1024 s to 64 s. Texts, and what Prometheus has no name for, are left out. Any thread.
inline constexpr size_t kPartSeries = 4096;
void ForEachPart(FleetNow now, const WritePart& write);

// Prometheus' text format, HELP and TYPE once a family.
std::string PartText(prometheus::MetricFamily&& part, bool continued);

}  // namespace haidang::collector
