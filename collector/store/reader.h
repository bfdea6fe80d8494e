#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/store/query/level_walk.h"
#include "collector/store/query/question.h"
#include "core/clock.h"
#include "core/query.h"
#include "core/result.h"

namespace haidang::store {

// A machine's series as the pages ask for them.
struct SeriesQuestion {
  std::string machine;
  std::string metric;
  Labels labels;                   // those that a series must have; it may have more
  int64_t from_ms = 0;             // device time, inclusive
  int64_t to_ms = 0;               // inclusive
  std::optional<int64_t> step_ms;  // keeps the last value of each step; > 0
};
// The same for Reader::Range: columns with the series' own labels, wherever the machine stood.
RangeQuestion AsRange(const SeriesQuestion& question);

// Reads what is committed. One thread at a time, and another connection than the writer's: each
// method reads in transactions of at most 250 ms.
class Reader {
 public:
  static constexpr size_t kMaxEvents = 10000;
  static constexpr size_t kMaxGaps = 10000;
  static constexpr size_t kMaxFindings = 10000;

  virtual ~Reader() = default;

  virtual Result<SeriesAnswer> Range(const RangeQuestion& question,
                                     const QueryControl& control) = 0;
  virtual Result<SeriesAnswer> Last(const LastQuestion& question, const QueryControl& control) = 0;
  // Of one machine, newest first.
  virtual Result<std::vector<query::EventRow>> Events(const std::string& machine, int64_t from_ms,
                                                      int64_t to_ms) = 0;
  // Of one machine, those that reach into the range, newest first.
  virtual Result<std::vector<query::Gap>> Gaps(const std::string& machine, int64_t from_ms,
                                               int64_t to_ms) = 0;
  // Those that were open at any time of the range, newest first.
  virtual Result<std::vector<query::Finding>> Findings(int64_t from_ms, int64_t to_ms) = 0;
};

struct ReaderOptions {
  const Clock* clock = nullptr;  // outlives the reader; null: questions have no deadline
  RollupReader rollups;          // empty: everything is read from batches
};

// A reader of telemetry.db: of blocks, journal and roll-ups.
Result<std::unique_ptr<Reader>> OpenReader(const std::string& path, ReaderOptions options = {});

}  // namespace haidang::store
