#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/query.h"
#include "core/result.h"

namespace haidang::store {

struct SeriesQuestion {
  std::string machine;
  std::string metric;
  Labels labels;                   // those that a series must have; it may have more
  int64_t from_ms = 0;             // device time, inclusive
  int64_t to_ms = 0;               // inclusive
  std::optional<int64_t> step_ms;  // keeps the last value of each step; > 0
};

struct SeriesAnswer {
  std::vector<query::Column> columns;  // one for each series that is a number, by labels
  std::string refused;                 // why the question asks for too much; "" where it does not
};

// Reads what is committed. One thread at a time, and another connection than the writer's: each
// method reads in transactions of at most 250 ms. What stands behind it may change (a journal now,
// chunks and roll-ups later); what it answers does not.
class Reader {
 public:
  static constexpr size_t kMaxSeries = 100;      // an answer
  static constexpr size_t kMaxPoints = 1000000;  // an answer
  static constexpr size_t kMaxEvents = 10000;
  static constexpr size_t kMaxGaps = 10000;
  static constexpr size_t kMaxFindings = 10000;

  virtual ~Reader() = default;

  virtual Result<SeriesAnswer> Series(const SeriesQuestion& question) = 0;
  // Of one machine, newest first.
  virtual Result<std::vector<query::EventRow>> Events(const std::string& machine, int64_t from_ms,
                                                      int64_t to_ms) = 0;
  // Of one machine, those that reach into the range, newest first.
  virtual Result<std::vector<query::Gap>> Gaps(const std::string& machine, int64_t from_ms,
                                               int64_t to_ms) = 0;
  // Those that were open at any time of the range, newest first.
  virtual Result<std::vector<query::Finding>> Findings(int64_t from_ms, int64_t to_ms) = 0;
};

// A reader of blocks and journal of telemetry.db.
Result<std::unique_ptr<Reader>> OpenReader(const std::string& path);

}  // namespace haidang::store
