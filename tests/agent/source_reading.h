#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/source.h"
#include "core/catalogue.h"

// Reading a source in a test, as the sampler would.
namespace haidang::testing {

using agent::Source;

// The root of a fixture machine.
inline std::string Machine(const std::string& name) {
  return std::string(FIXTURES) + "/machines/" + name + "/";
}

inline constexpr int64_t kNow = 1767573000250;

// Series and values of one read; an Error's message where it failed.
struct ReadResult {
  std::map<std::string, double> values;
  std::vector<Event> events;
  std::string error;
};

// Reads, and checks each reading against the catalogue.
inline ReadResult Read(Source& source) {
  std::vector<Reading> readings;
  ReadResult result;
  if (const Status status = source.Read(kNow, readings, result.events); !status.ok()) {
    result.error = status.error().message;
    CHECK_FALSE(result.error.empty());
    return result;
  }
  for (const Reading& reading : readings) {
    const std::string series = ToString(reading.series);
    INFO(series);
    CHECK_FALSE(result.values.contains(series));
    result.values[series] = AsNumber(reading.value);
    // What the catalogue promises.
    const MetricInfo* info = FindMetric(reading.series.metric);
    REQUIRE(info != nullptr);
    CHECK(IsReadBy(*info, source.name()));
    std::string labels;
    for (const auto& [name, value] : reading.series.labels) {
      labels += (labels.empty() ? "" : ",") + name;
    }
    CHECK(info->labels == labels);
    const std::map<size_t, DataType> types = {{1, DataType::kInt64},  {2, DataType::kUInt64},
                                              {3, DataType::kDouble}, {4, DataType::kBoolean},
                                              {5, DataType::kString}, {6, DataType::kBytes}};
    if (std::holds_alternative<Null>(reading.value)) continue;  // not known yet
    CHECK(types.at(reading.value.index()) == info->datatype);
  }
  return result;
}

inline ReadResult Read(std::unique_ptr<Source> source) { return Read(*source); }

}  // namespace haidang::testing
