#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "collector/export_samples.h"
#include "collector/places.h"
#include "collector/store/query/catalog.h"

// What both ways to write samples share.
namespace haidang::collector {

// A series of a machine that is to be written, and where the machine stood meanwhile.
struct SeriesToWrite {
  const store::MetricOfStore& metric;
  const store::MachineEntry& machine;
  const std::vector<store::PlaceStretch>& places;
  const store::SeriesOfMachine& series;
};

// Calls `visit` for each series of the choice, by metric, machine and labels. An Error also where
// the choice names a machine or a metric that the store does not have.
Status ForEachChosen(store::SampleWalk& store, const SampleChoice& choice,
                     const std::function<Status(const SeriesToWrite&)>& visit);

// The shortest text that reads back as the same number; integers as they are. "" where it is none,
// or not finite: unknown.
std::string NumberText(const Value& value);
std::string NumberText(double number);

// A histogram as /metrics/fleet's classic buckets: told(suffix, le, value), `le` "" for the sum and
// the count. False where the bytes are no histogram.
bool ForEachLine(std::string_view encoded,
                 const std::function<void(std::string_view suffix, const std::string& le,
                                          const std::string& value)>& told);

}  // namespace haidang::collector
