#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "collector/store/head.h"
#include "collector/store/query/catalog.h"
#include "collector/store/rows.h"
#include "collector/store/scan.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

struct MetricOfStore {
  std::string name;
  // Of one of its series, and so type and unit; a text only where all of them are.
  DataType datatype = DataType::kDouble;
  MetricType type = MetricType::kGauge;
  std::string unit;
};

// A series of a machine: one identity, which may have had several datatypes.
struct SeriesOfMachine {
  Labels labels;
  ScanQuestion question;  // its one slot is 0; the range is the caller's to fill in
};

// A telemetry.db that nobody else uses, read series by series: memory holds one window of one
// machine, however large the file is. One thread.
class SampleWalk {
 public:
  // An Error: it cannot be read, or has another schema version than this program.
  static Result<SampleWalk> Open(const std::string& path);

  Database& db() { return db_; }

  Result<std::vector<MetricOfStore>> Metrics();  // by name, each once
  // By labels.
  Result<std::vector<SeriesOfMachine>> SeriesOf(const MachineEntry& machine,
                                                const std::string& metric);

  // Each batch in [from_ms, to_ms), by time, with what is known then: `head`'s slot 0.
  using Visit = std::function<void(int64_t time_ms, const Head& head)>;
  Status Walk(const SeriesOfMachine& series, int64_t from_ms, int64_t to_ms, const Visit& visit);

 private:
  explicit SampleWalk(Database db) : db_(std::move(db)) {}
  Database db_;
};

}  // namespace haidang::store
